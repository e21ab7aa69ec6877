using System.Diagnostics;

namespace Tracing.Sdk.Encoding.Otlp;

/// <summary>Ids and flags as both encodings of OTLP have them.</summary>
internal static class OtlpIds
{
    private const uint IsRemoteKnown = 0x100;
    private const uint IsRemote = 0x200;

    public static void Copy(ActivityTraceId id, Span<byte> target) => Convert.FromHexString(id.ToHexString(), target[..16], out _, out _);

    public static void Copy(ActivitySpanId id, Span<byte> target) => Convert.FromHexString(id.ToHexString(), target[..8], out _, out _);

    /// <summary>Bits 0-7 W3C flags (only the two that are defined), 8 "it is known whether the other end is remote", 9 "it is".</summary>
    public static uint Flags(byte traceFlags, bool isRemote) => (traceFlags & 0x03u) | IsRemoteKnown | (isRemote ? IsRemote : 0);
}

/// <summary>Nanoseconds since 1970, never before.</summary>
internal static class OtlpTime
{
    // Later than this does not fit a signed 64-bit number of nanoseconds, which is what receivers read it into: the year 2262.
    private const long LastTick = long.MaxValue / 100;

    public static (ulong Start, ulong End) Of(Activity activity)
    {
        var start = activity.StartTimeUtc.Ticks;
        return (UnixNano(start), UnixNano(start + activity.Duration.Ticks));
    }

    public static ulong UnixNano(long utcTicks) => (ulong)Math.Clamp(utcTicks - DateTime.UnixEpoch.Ticks, 0, LastTick) * 100;
}
