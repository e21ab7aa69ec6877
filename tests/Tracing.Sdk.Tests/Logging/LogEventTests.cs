using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Tests.Logging;

/// <summary>All log lines have one category, so an event's number and name are unique in the library.</summary>
public sealed class LogEventTests
{
    private static readonly LoggerMessageAttribute[] Events =
    [
        .. new[] { typeof(MeshTracing).Assembly, typeof(TraceTrustEndpointConventionBuilderExtensions).Assembly }
            .SelectMany(a => a.GetTypes())
            .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>(),
    ];

    [Fact]
    public void EventIds_OfTheCategory_AreUnique() =>
        Assert.Empty(Events.GroupBy(e => e.EventId).Where(g => g.Count() > 1).Select(g => $"{g.Key}: {string.Join(" | ", g.Select(e => e.Message))}"));

    [Fact]
    public void EventIds_All_AreGiven()
    {
        Assert.NotEmpty(Events);
        Assert.All(Events, e => Assert.True(e.EventId > 0, $"no id: {e.Message}"));
    }
}
