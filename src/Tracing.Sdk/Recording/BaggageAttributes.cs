using System.Diagnostics;
using OpenTelemetry;

namespace Tracing.Sdk.Recording;

/// <summary>Copies members of the baggage to attributes of a span.</summary>
internal static class BaggageAttributes
{
    /// <summary>Sets the attributes of the listed keys, except those that the span has.</summary>
    public static void Set(Activity activity, string[] keys)
    {
        var baggage = Baggage.Current;
        foreach (var key in keys)
        {
            if ((baggage.GetBaggage(key) ?? activity.GetBaggageItem(key)) is { } value && activity.GetTagItem(key) is null) activity.SetTag(key, value);
        }
    }

    /// <summary>Removes the attribute of a member that the caller is not trusted with.</summary>
    public static void Remove(Activity activity, string[] keys, string key, string value)
    {
        if (keys.Contains(key) && activity.GetTagItem(key) as string == value) activity.SetTag(key, null);
    }
}
