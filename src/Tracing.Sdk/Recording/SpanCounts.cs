using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Recording;

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

    /// <summary>Activities that started without the sampled flag.</summary>
    public long StartedUnsampled => Sum(static numbers => Volatile.Read(ref numbers.Of.StartedUnsampled));

    /// <summary>Activities that ended without the sampled flag.</summary>
    public long EndedUnsampled => Sum(static numbers => Volatile.Read(ref numbers.Of.EndedUnsampled));

    public void Start() => Own().Of.Started++;

    // Perhaps on another thread than the start: the sum is what counts.
    public void TakeBack() => Own().Of.Started--;

    /// <summary>Counts a span and remembers it for <see cref="FindRunning"/>.</summary>
    public void Start(Activity activity)
    {
        var own = Own();
        var count = own.Of.Started++;
        ref var recent = ref own.Recent[(int)((ulong)count % RecentSpans.Length)];
        // A span that runs keeps its place: it is the one to name if it never ends.
        if (recent is not { IsStopped: false }) recent = activity;
    }

    public void End() => Own().Of.Ended++;

    public void StartUnsampled() => Own().Of.StartedUnsampled++;

    public void EndUnsampled() => Own().Of.EndedUnsampled++;

    /// <summary>Spans that have started and not ended, as far as their threads still remember them.</summary>
    public List<Activity> FindRunning()
    {
        var running = new List<Activity>();
        lock (_gate)
        {
            AddRunning(_ofThreadsThatEnded, running);
            foreach (var numbers in _all) AddRunning(numbers, running);
        }

        return running;
    }

    /// <summary>Threads may forget what they keep for this instance. No span starts any more.</summary>
    public void Close()
    {
        _isClosed = true;
        lock (_gate)
        {
            foreach (var numbers in _all) numbers.Recent = default;
        }
    }

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
            _ofThreadsThatEnded.Of.StartedUnsampled += numbers.Of.StartedUnsampled;
            _ofThreadsThatEnded.Of.EndedUnsampled += numbers.Of.EndedUnsampled;
            Keep(numbers, _ofThreadsThatEnded);
            return true;
        });
        _sweepAt = Math.Max(64, 2 * _all.Count);
    }

    // As many as there is room for.
    private static void Keep(Numbers from, Numbers to)
    {
        var running = new List<Activity>();
        AddRunning(from, running);
        for (var i = 0; i < RecentSpans.Length && running.Count > 0; i++)
        {
            if (to.Recent[i] is { IsStopped: false }) continue;
            to.Recent[i] = running[^1];
            running.RemoveAt(running.Count - 1);
        }
    }

    private static void AddRunning(Numbers numbers, List<Activity> running)
    {
        for (var i = 0; i < RecentSpans.Length; i++)
        {
            if (Volatile.Read(ref numbers.Recent[i]) is { IsStopped: false, Recorded: true } activity) running.Add(activity);
        }
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
        public RecentSpans Recent;
        public Tally Of;
    }

    /// <summary>A few spans that the thread has started, to name those that never end.</summary>
    [InlineArray(Length)]
    private struct RecentSpans
    {
        public const int Length = 8;

        private Activity? _first;
    }

    // So large that no two threads write to one cache line.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Tally
    {
        [FieldOffset(48)]
        public long Started;

        [FieldOffset(56)]
        public long Ended;

        [FieldOffset(64)]
        public long StartedUnsampled;

        [FieldOffset(72)]
        public long EndedUnsampled;
    }
}
