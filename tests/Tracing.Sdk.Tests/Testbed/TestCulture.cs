using System.Globalization;
using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>
/// Runs all tests in the culture that TEST_CULTURE names, such as <c>tr-TR</c>. It takes a runtime with real cultures: the project is built for
/// the invariant one, so CI runs a copy of the output whose <c>runtimeconfig.json</c> has <c>System.Globalization.Invariant</c> turned off.
/// </summary>
internal static class TestCulture
{
    public static string? Name { get; } = Environment.GetEnvironmentVariable("TEST_CULTURE") is { Length: > 0 } name ? name : null;

    [ModuleInitializer]
    public static void Set()
    {
        if (Name is null) return;
        var culture = CultureInfo.GetCultureInfo(Name);
        (CultureInfo.DefaultThreadCurrentCulture, CultureInfo.DefaultThreadCurrentUICulture) = (culture, culture);
        (CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture) = (culture, culture);
    }
}
