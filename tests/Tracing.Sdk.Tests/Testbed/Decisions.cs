using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>What was decided about requests and roots.</summary>
internal static class Decisions
{
    /// <summary>Asserts that these decisions were counted and no others.</summary>
    public static void Assert(IServiceProvider services, params (DecisionReason Reason, bool IsRecorded, long Count)[] expected)
    {
        var metrics = services.GetRequiredService<MeshTracing>().Instance.Metrics;
        var decided =
            from reason in Enum.GetValues<DecisionReason>()
            from isRecorded in new[] { false, true }
            let count = metrics.Decisions(reason, isRecorded)
            where count != 0
            select (reason, isRecorded, count);
        Xunit.Assert.Equal(expected.Order(), decided.Order());
    }
}
