using System.Diagnostics;
using OpenTelemetry;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>
/// One baggage out of two APIs. What came in is in both <see cref="Baggage.Current"/> and <see cref="Activity.Baggage"/>:
/// the former says what is left of it, the latter adds what user code put on an Activity.
/// </summary>
internal static class OutboundBaggage
{
    public static string? Format(RemoteContext? remote, Activity? activity)
    {
        var received = remote?.Baggage;
        List<BaggageMember>? members = null;
        foreach (var (key, value) in Baggage.Current)
        {
            (members ??= []).Add(new BaggageMember(key, value, PropertiesOf(received, key, value)));
        }

        // Newest first; an older value of the same key is history.
        foreach (var (key, value) in activity?.Baggage ?? [])
        {
            if (value is null || IsReceived(received, key, value) || Contains(members, key)) continue;
            (members ??= []).Add(new BaggageMember(key, value, ""));
        }

        return members is null ? null : BaggageHeader.Format(members);
    }

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

    private static bool Contains(List<BaggageMember>? members, string key) => members is not null && members.Exists(m => m.Key == key);
}
