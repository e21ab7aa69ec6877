using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Tests.Export;

public sealed class ConnectionStateTests
{
    [Fact]
    public void FirstBytes_NextConnectionIsOpen_AreThoseOfTheFailedOne() => Assert.Equal("HTTP/1.1", FirstBytes(Failed()));

    [Fact]
    public void FirstBytes_NextConnectionHasReceived_AreItsOwn()
    {
        var connection = Failed();
        connection.AddReceived("no"u8);
        Assert.Equal("no", FirstBytes(connection));
    }

    [Fact]
    public void FirstBytes_ConnectionBeforeHasAnswered_AreNone()
    {
        var connection = new ConnectionState(isHttp2: false);
        connection.Reset();
        connection.AddReceived("HTTP/1.1"u8);
        connection.SetAnswered();
        connection.Reset();
        Assert.Equal("", FirstBytes(connection));
    }

    // The connection that has failed, and the next one, which SocketsHttpHandler may open before the failure is described.
    private static ConnectionState Failed()
    {
        var connection = new ConnectionState(isHttp2: false);
        connection.Reset();
        connection.AddReceived("HTTP/1.1"u8);
        connection.Reset();
        return connection;
    }

    private static string FirstBytes(ConnectionState connection) => System.Text.Encoding.Latin1.GetString(connection.FirstBytes);
}
