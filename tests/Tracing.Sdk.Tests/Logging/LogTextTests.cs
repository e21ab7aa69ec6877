using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Tests.Logging;

public sealed class LogTextTests
{
    [Theory]
    [InlineData("http://collector:4318/v1/traces", "http://collector:4318/v1/traces")]
    [InlineData("http://collector:4318/v1/traces?Api-Key=SECRET", "http://collector:4318/v1/traces")]
    [InlineData("http://collector:4318/v1/traces#SECRET", "http://collector:4318/v1/traces")]
    [InlineData("https://user:SECRET@collector/v1/traces?k=SECRET#SECRET", "https://collector/v1/traces")]
    [InlineData("https://SECRET@[::1]:4318/", "https://[::1]:4318/")]
    public void Format_Uri_HasNoSecret(string uri, string expected) => Assert.Equal(expected, LogText.Url(new Uri(uri)));

    [Theory]
    [InlineData("user:SECRET@collector:4318/v1/traces?k=SECRET", "collector:4318/v1/traces")]
    [InlineData("user:SECRET@collector", "collector")]
    [InlineData("http//user:SECRET@collector", "collector")]
    [InlineData("http://user:SEC/RET@collector/path", "http://collector/path")]
    [InlineData("http://user:SEC@RET@collector/path", "http://collector/path")]
    [InlineData("//user:SECRET@collector", "collector")]
    [InlineData("collector:4318?SECRET", "collector:4318")]
    [InlineData("collector", "collector")]
    [InlineData("@SECRET", "SECRET")]
    [InlineData("", "")]
    public void Format_Text_HasNoSecret(string text, string expected) => Assert.Equal(expected, LogText.Value(text));

    [Theory]
    [InlineData("/login?token=SECRET", "/login")]
    [InlineData("?token=SECRET", "")]
    public void Format_RelativeUri_HasNoSecret(string uri, string expected) =>
        Assert.Equal(expected, LogText.Url(new Uri(uri, UriKind.Relative)));
}
