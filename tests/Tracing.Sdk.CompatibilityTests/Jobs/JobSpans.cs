using System.Diagnostics;

namespace Tracing.Sdk.CompatibilityTests.Jobs;

/// <summary>The span that an application gives a job whose library has none.</summary>
internal static class JobSpans
{
    public static readonly ActivitySource Source = new("Shop.Jobs");
}
