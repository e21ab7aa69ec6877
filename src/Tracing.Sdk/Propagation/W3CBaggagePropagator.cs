using Microsoft.Extensions.Primitives;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation.Baggage;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// Reads and writes <c>baggage</c> on any carrier, within its limits (180 members, 8192 characters) in both directions.
/// <see href="https://www.w3.org/TR/baggage/">W3C Baggage</see>.
/// </summary>
/// <remarks><see cref="Baggage"/> has no place for the properties of a member, so they are lost here; the HTTP integration keeps them. Neither method throws, whatever the carrier contains.</remarks>
public sealed class W3CBaggagePropagator : TextMapPropagator
{
    private static readonly string[] AllKeys = ["*"];

    /// <summary><c>baggage</c>.</summary>
    public override ISet<string> Fields => new HashSet<string>([BaggageHeader.HeaderName]);

    /// <summary>Returns the baggage that the carrier holds, or <paramref name="context"/> when that has baggage already or the carrier has none.</summary>
    /// <param name="context">What has been extracted so far; baggage in it wins.</param>
    /// <param name="carrier">Where to read from.</param>
    /// <param name="getter">Returns all values of a name, each field apart; null or empty for none.</param>
    public override PropagationContext Extract<T>(PropagationContext context, T carrier, Func<T, string, IEnumerable<string>?> getter)
    {
        if (carrier is null || getter is null || context.Baggage.Count > 0) return context;
        var fields = new GetterReader<T>(carrier, getter).Get(BaggageHeader.HeaderName);
        if (StringValues.IsNullOrEmpty(fields) || BaggageHeader.Parse(fields, out _) is not { } members) return context;
        return new PropagationContext(context.ActivityContext, ToBaggage(members));
    }

    /// <summary>Writes the baggage; does nothing when there is none.</summary>
    /// <param name="context">What to write.</param>
    /// <param name="carrier">Where to write to.</param>
    /// <param name="setter">Sets one name to one value, in place of any older one.</param>
    public override void Inject<T>(PropagationContext context, T carrier, Action<T, string, string> setter)
    {
        if (carrier is null || setter is null) return;
        Inject(context.Baggage, carrier, setter, AllKeys);
    }

    internal static void Inject<T>(OpenTelemetry.Baggage baggage, T carrier, Action<T, string, string> setter, IReadOnlyList<string> keys)
    {
        if (baggage.Count == 0) return;
        var members = new List<BaggageMember>(baggage.Count);
        foreach (var (key, value) in baggage) members.Add(new BaggageMember(key, value, ""));
        if (BaggageHeader.Format(members, keys) is { } header) new SetterWriter<T>(carrier, setter).Set(BaggageHeader.HeaderName, header);
    }

    internal static OpenTelemetry.Baggage ToBaggage(IReadOnlyList<BaggageMember> members)
    {
        var items = new Dictionary<string, string>(members.Count, StringComparer.Ordinal);
        foreach (var member in members) items[member.Key] = member.Value;
        return OpenTelemetry.Baggage.Create(items);
    }
}
