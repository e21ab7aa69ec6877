using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Accounting;

/// <summary>How many spans have started and ended. Each thread counts for itself, so that counting is an addition and nothing more.</summary>
/// <remarks>
/// An atomic addition would cost a span far more than its own few nanoseconds: it waits until the bytes just written to a block have
/// come over from the export thread's cache.
/// </remarks>
internal sealed class SpanCounts
{
    // This thread's numbers; behind them those that it keeps for other instances, of which only tests have many.
    [ThreadStatic]
    private static Numbers? t_own;

    private readonly Lock _gate = new();
    private readonly List<Numbers> _all = [];
    private readonly Numbers _ofThreadsThatEnded;
    private int _sweepAt = 64;
    private volatile bool _isClosed;

    public SpanCounts() => _ofThreadsThatEnded = new Numbers(this, null);

    public long Started => Sum(static numbers => Volatile.Read(ref numbers.Of.Started));

    public long Ended => Sum(static numbers => Volatile.Read(ref numbers.Of.Ended));

    public void Start() => Own().Of.Started++;

    // Perhaps on another thread than the start: the sum is what counts.
    public void TakeBack() => Own().Of.Started--;

    public void End() => Own().Of.Ended++;

    /// <summary>Threads may forget what they keep for this instance.</summary>
    public void Close() => _isClosed = true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Numbers Own() => t_own is { } own && own.Counts == this ? own : Find();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Numbers Find()
    {
        Numbers? last = null;
        for (var numbers = t_own; numbers is not null; numbers = numbers.Next)
        {
            if (numbers.Counts == this) return numbers;
            if (!numbers.Counts._isClosed) last = numbers;
            else if (last is null) t_own = numbers.Next;
            else last.Next = numbers.Next;
        }

        var own = new Numbers(this, Thread.CurrentThread) { Next = t_own };
        t_own = own;
        lock (_gate)
        {
            if (_all.Count == _sweepAt) Sweep();
            _all.Add(own);
        }

        return own;
    }

    // Adds up the numbers of threads that have ended, and forgets them.
    private void Sweep()
    {
        _all.RemoveAll(numbers =>
        {
            if (numbers.Thread!.IsAlive) return false;
            _ofThreadsThatEnded.Of.Started += numbers.Of.Started;
            _ofThreadsThatEnded.Of.Ended += numbers.Of.Ended;
            return true;
        });
        _sweepAt = Math.Max(64, 2 * _all.Count);
    }

    private long Sum(Func<Numbers, long> number)
    {
        lock (_gate)
        {
            var sum = number(_ofThreadsThatEnded);
            foreach (var numbers in _all) sum += number(numbers);
            return sum;
        }
    }

    private sealed class Numbers(SpanCounts counts, Thread? thread)
    {
        public readonly SpanCounts Counts = counts;
        public readonly Thread? Thread = thread;
        public Numbers? Next;
        public Pair Of;
    }

    // So large that no two threads write to one cache line.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Pair
    {
        [FieldOffset(56)]
        public long Started;

        [FieldOffset(64)]
        public long Ended;
    }
}
