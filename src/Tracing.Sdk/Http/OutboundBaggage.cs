using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using OpenTelemetry;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;

namespace Tracing.Sdk.Http;

/// <summary>
/// One baggage out of two APIs. What came in is in both <see cref="Baggage.Current"/> and <see cref="Activity.Baggage"/>:
/// the former says what is left of it, the latter adds or replaces by what user code put on an Activity.
/// </summary>
internal static class OutboundBaggage
{
    /// <summary>The header for a message that has none yet; null when there is nothing to say.</summary>
    public static string? Format(RemoteContext? remote, Activity? activity, IReadOnlyList<string> keys) =>
        Collect(remote, activity, keys) is { } members ? BaggageHeader.Format(members) : null;

    /// <summary>The header for a message that has one already: what user code or another library wrote, then what this process holds of other keys.</summary>
    /// <param name="written">The header on the message.</param>
    /// <param name="remote">The request that this code runs for.</param>
    /// <param name="activity">The Activity of the call.</param>
    /// <param name="keys">Keys that may leave. They apply to members of user code and of other libraries too.</param>
    /// <param name="isAllowed">Whether the host may have baggage. If not, what was written on purpose stays, and what came in does not.</param>
    public static string? Merge(StringValues written, RemoteContext? remote, Activity? activity, IReadOnlyList<string> keys, bool isAllowed)
    {
        var members = BaggageHeader.Parse(written, out _) ?? [];
        members.RemoveAll(m => !NamePatterns.Match(keys, m.Key)
            || IsReceived(remote?.Refused is { Received: var received } && remote.Trust == TraceTrust.Restart ? received.Baggage : null, m.Key, m.Value)
            || (!isAllowed && IsReceived(remote?.Baggage, m.Key, m.Value)));
        foreach (var member in (isAllowed ? Collect(remote, activity, keys) : null) ?? [])
        {
            if (!members.Exists(m => m.Key == member.Key)) members.Add(member);
        }

        return members.Count == 0 ? null : BaggageHeader.Format(members);
    }

    /// <summary>A header that is only forwarded: as it came where every key may leave, else its members with such keys.</summary>
    public static StringValues WithKeys(StringValues fields, IReadOnlyList<string> keys)
    {
        if (keys is ["*"]) return fields;
        var members = BaggageHeader.Parse(fields, out _) ?? [];
        members.RemoveAll(m => !NamePatterns.Match(keys, m.Key));
        return members.Count == 0 ? default : BaggageHeader.Format(members);
    }

    private static List<BaggageMember>? Collect(RemoteContext? remote, Activity? activity, IReadOnlyList<string> keys)
    {
        var received = remote?.Baggage;
        List<BaggageMember>? members = null;
        var current = Baggage.Current;
        // Most requests have none.
        if (current.Count == 0 && !HasBaggage(activity)) return null;
        foreach (var (key, value) in current)
        {
            if (NamePatterns.Match(keys, key)) (members ??= []).Add(new BaggageMember(key, value, PropertiesOf(received, key, value)));
        }

        // Newest first; an older value of the same key is history.
        HashSet<string>? seen = null;
        foreach (var (key, value) in activity?.Baggage ?? [])
        {
            if (value is null || !(seen ??= []).Add(key) || IsReceived(received, key, value) || !NamePatterns.Match(keys, key)) continue;
            var known = members?.FindIndex(m => m.Key == key) ?? -1;
            if (known < 0) (members ??= []).Add(new BaggageMember(key, value, ""));
            else if (IsReceived(received, key, members![known].Value)) members[known] = new BaggageMember(key, value, "");
        }

        return members;
    }

    // The platform's own empty sequence is always the same; what is iterated is made anew each time.
    private static bool HasBaggage(Activity? activity) => activity is not null && activity.Baggage is not KeyValuePair<string, string?>[] { Length: 0 };

    private static string PropertiesOf(IReadOnlyList<BaggageMember>? received, string key, string value)
    {
        for (var i = 0; i < received?.Count; i++)
        {
            if (received[i].Key == key && received[i].Value == value) return received[i].Properties;
        }

        return "";
    }

    private static bool IsReceived(IReadOnlyList<BaggageMember>? received, string key, string value)
    {
        for (var i = 0; i < received?.Count; i++)
        {
            if (received[i].Key == key && received[i].Value == value) return true;
        }

        return false;
    }
}
