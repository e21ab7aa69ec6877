namespace Tracing.Sdk.Recording;

/// <summary>Remembers a few of the requests and root spans that were not recorded, for a person to read: at most one for each reason and second.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class RecentRefusals(TimeProvider time)
{
    private const int MaxKept = 8;
    private static readonly TimeSpan MinDistance = TimeSpan.FromSeconds(1);

    // By reason: when one was remembered last. 0 for never.
    private readonly long[] _lastAt = new long[DecisionReasons.Count];
    private readonly Refusal?[] _kept = new Refusal?[MaxKept];
    private int _next = -1;

    /// <summary>Remembers a refusal, unless one for the same reason was remembered within a second. Costs one read of the time.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="name">What: the path of a request, or the name of a span.</param>
    /// <param name="format">The format of the headers that held the caller's decision, <c>w3c</c> or <c>b3</c>; null when there was none.</param>
    public void Add(DecisionReason reason, string name, string? format = null)
    {
        var now = time.GetTimestamp();
        ref var lastAt = ref _lastAt[(int)reason];
        var last = Volatile.Read(ref lastAt);
        if ((last != 0 && time.GetElapsedTime(last, now) < MinDistance) || Interlocked.CompareExchange(ref lastAt, now, last) != last) return;
        var index = (int)((uint)Interlocked.Increment(ref _next) % MaxKept);
        Volatile.Write(ref _kept[index], new Refusal(reason, name, format, now));
    }

    /// <summary>The refusals that are remembered, the latest first.</summary>
    public IReadOnlyList<Refusal> Read() => [.. _kept.OfType<Refusal>().OrderByDescending(r => r.At)];

    /// <summary>The format of the headers with which a caller said no last; null when none is known.</summary>
    public string? LastFormat => Read().FirstOrDefault(r => r.Reason == DecisionReason.CallerNo)?.Format;
}

/// <summary>A request or root span that was not recorded.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Name">What.</param>
/// <param name="Format">The format of the caller's decision, or null.</param>
/// <param name="At">When: a timestamp of the <see cref="TimeProvider"/>.</param>
internal sealed record Refusal(DecisionReason Reason, string Name, string? Format, long At);
