using OpenTelemetry.Context;
using ApiBaggage = OpenTelemetry.Baggage;

namespace Tracing.Sdk.Propagation.Baggage;

/// <summary>Baggage that came in with a request or a message, in <see cref="OpenTelemetry.Baggage.Current"/>.</summary>
internal static class ReceivedBaggage
{
    // The slot of OpenTelemetry.Api. What it holds is shared by all code that the request has started, so that a change of Baggage.Current would change it for all of them.
    private const string Slot = "otel.baggage";

    /// <summary>Removes the members that came in from the baggage of the running code, and of nothing else.</summary>
    public static void Leave(IReadOnlyList<BaggageMember> received)
    {
        var current = ApiBaggage.Current;
        if (current.Count == 0) return;
        var kept = new Dictionary<string, string>(current.GetBaggage());
        foreach (var member in received)
        {
            if (kept.TryGetValue(member.Key, out var value) && value == member.Value) kept.Remove(member.Key);
        }

        RuntimeContext.SetValue(Slot, null);
        if (kept.Count > 0) ApiBaggage.Current = ApiBaggage.Create(kept);
    }

    /// <summary>Gives the running code the baggage of a message in place of its own.</summary>
    /// <param name="received">Its members; null for none.</param>
    /// <returns>The code's own, for <see cref="Restore"/>.</returns>
    public static object? Enter(IReadOnlyList<BaggageMember>? received)
    {
        // Registers the slot.
        _ = ApiBaggage.Current;
        var own = RuntimeContext.GetValue(Slot);
        if (own is not null) RuntimeContext.SetValue(Slot, null);
        if (received is { Count: > 0 }) ApiBaggage.Current = W3CBaggagePropagator.ToBaggage(received);
        return own;
    }

    /// <summary>Gives the running code back what it had before <see cref="Enter"/>.</summary>
    public static void Restore(object? own) => RuntimeContext.SetValue(Slot, own);
}
