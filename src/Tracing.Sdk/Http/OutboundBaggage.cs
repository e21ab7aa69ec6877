using System.Diagnostics;
using OpenTelemetry;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>
/// One baggage out of two APIs. What came in is in both <see cref="Baggage.Current"/> and <see cref="Activity.Baggage"/>:
/// the former says what is left of it, the latter adds or replaces by what user code put on an Activity.
/// </summary>
internal static class OutboundBaggage
{
    public static string? Format(RemoteContext? remote, Activity? activity, IReadOnlyList<string> keys)
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

        return members is null ? null : BaggageHeader.Format(members);
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
