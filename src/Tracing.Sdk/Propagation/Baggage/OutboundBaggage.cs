using System.Diagnostics;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation.Baggage;

/// <summary>Merges the baggage of two APIs into one header. Received members are in both <see cref="OpenTelemetry.Baggage.Current"/> and <see cref="Activity.Baggage"/>:
/// the former says which of them remain, the latter adds or replaces members that user code put on an Activity.</summary>
internal static class OutboundBaggage
{
    /// <summary>The header for a message that has none yet; null when there is no baggage.</summary>
    public static string? Format(RemoteContext? remote, Activity? activity, IReadOnlyList<string> keys) =>
        Collect(remote, activity) is { } members ? BaggageHeader.Format(members, keys) : null;

    /// <summary>The header for a message that has one already: the members that user code or another library wrote, then those of this process with other keys.</summary>
    /// <remarks>The keys apply to members of user code and of other libraries too. Where the host may get no baggage, only members that user code wrote on purpose remain.</remarks>
    public static string? Merge(StringValues written, RemoteContext? remote, Activity? activity, IReadOnlyList<string> keys, bool isAllowed)
    {
        var members = BaggageHeader.Parse(written, out _) ?? [];
        members.RemoveAll(m => IsReceived(remote?.Refused?.Baggage, m.Key, m.Value) || (!isAllowed && IsReceived(remote?.Baggage, m.Key, m.Value)));
        foreach (var member in (isAllowed ? Collect(remote, activity) : null) ?? [])
        {
            if (!members.Exists(m => m.Key == member.Key)) members.Add(member);
        }

        return BaggageHeader.Format(members, keys);
    }

    /// <summary>A header that is only forwarded: unchanged where every key may leave, else its members with such keys.</summary>
    public static StringValues WithKeys(StringValues fields, IReadOnlyList<string> keys) =>
        keys is ["*"] ? fields : BaggageHeader.Parse(fields, out _) is { } members ? BaggageHeader.Format(members, keys) : default(StringValues);

    private static List<BaggageMember>? Collect(RemoteContext? remote, Activity? activity)
    {
        var received = remote?.Baggage;
        List<BaggageMember>? members = null;
        var current = OpenTelemetry.Baggage.Current;
        // The usual case.
        if (current.Count == 0 && !HasBaggage(activity)) return null;
        foreach (var (key, value) in current)
        {
            (members ??= []).Add(new BaggageMember(key, value, FindReceived(received, key, value)?.Properties ?? ""));
        }

        // Activity.Baggage lists the newest value of a key first.
        HashSet<string>? seen = null;
        foreach (var (key, value) in activity?.Baggage ?? [])
        {
            if (value is null || !(seen ??= []).Add(key) || IsReceived(received, key, value)) continue;
            var known = members?.FindIndex(m => m.Key == key) ?? -1;
            if (known < 0) (members ??= []).Add(new BaggageMember(key, value, ""));
            else if (IsReceived(received, key, members![known].Value)) members[known] = new BaggageMember(key, value, "");
        }

        return members;
    }

    // Activity.Baggage returns one shared empty array when there is none, and allocates an iterator otherwise.
    private static bool HasBaggage(Activity? activity) => activity is not null && activity.Baggage is not KeyValuePair<string, string?>[] { Length: 0 };
    private static bool IsReceived(IReadOnlyList<BaggageMember>? received, string key, string value) => FindReceived(received, key, value) is not null;

    private static BaggageMember? FindReceived(IReadOnlyList<BaggageMember>? received, string key, string value)
    {
        for (var i = 0; i < received?.Count; i++)
        {
            if (received[i].Key == key && received[i].Value == value) return received[i];
        }

        return null;
    }
}
