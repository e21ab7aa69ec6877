using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Recording;

/// <summary>Counts the spans that have started and ended. Each thread has counters of its own, so that counting is a plain addition.</summary>
/// <remarks>An atomic addition costs a span far more than a few nanoseconds: it waits until the bytes just written to a block have left the cache of the export thread.</remarks>
internal sealed class SpanCounts
{
    // The counters of this thread: a list with one entry for each instance. Only tests have many instances.
    [ThreadStatic]
    private static ThreadCounters? t_own;

    private readonly Lock _gate = new();
    private readonly List<ThreadCounters> _all = [];
    private readonly ThreadCounters _endedThreads;
    private int _sweepAt = 64;
    private volatile bool _isClosed;

    public SpanCounts() => _endedThreads = new ThreadCounters(this, null);

    public long Started => Sum(static counters => Volatile.Read(ref counters.Values.Started));
    public long Ended => Sum(static counters => Volatile.Read(ref counters.Values.Ended));

    /// <summary>Activities that started without the sampled flag.</summary>
    public long StartedUnsampled => Sum(static counters => Volatile.Read(ref counters.Values.StartedUnsampled));

    /// <summary>Activities that ended without the sampled flag.</summary>
    public long EndedUnsampled => Sum(static counters => Volatile.Read(ref counters.Values.EndedUnsampled));

    public void Start() => Own().Values.Started++;

    // May run on another thread than the start: only the sum has to be right.
    public void TakeBack() => Own().Values.Started--;

    /// <summary>Counts a span and remembers it for <see cref="FindRunning"/>.</summary>
    public void Start(Activity activity)
    {
        var own = Own();
        var count = own.Values.Started++;
        ref var recent = ref own.Recent[(int)((ulong)count % RecentSpans.Length)];
        // A running span keeps its place: it may be the one that never ends.
        if (recent is not { IsStopped: false }) recent = activity;
    }

    public void End() => Own().Values.Ended++;

    /// <summary>Adds to a number of decisions.</summary>
    /// <param name="index">Which number.</param>
    /// <param name="amount">1, or -1 for a decision that is taken back, maybe on another thread.</param>
    public void Decide(int index, int amount) => Own().Decisions[index] += amount;

    /// <summary>The number of decisions.</summary>
    public long Decisions(int index) => Sum(counters => Volatile.Read(ref counters.Decisions[index]));

    public void StartUnsampled() => Own().Values.StartedUnsampled++;
    public void EndUnsampled() => Own().Values.EndedUnsampled++;

    /// <summary>Spans that have started and not ended, as far as they are still kept.</summary>
    public List<Activity> FindRunning()
    {
        var running = new List<Activity>();
        lock (_gate)
        {
            AddRunning(_endedThreads, running);
            foreach (var counters in _all) AddRunning(counters, running);
        }

        return running;
    }

    /// <summary>Releases what threads keep for this instance. No span starts any more.</summary>
    public void Close()
    {
        _isClosed = true;
        lock (_gate)
        {
            foreach (var counters in _all) counters.Recent = default;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ThreadCounters Own() => t_own is { } own && own.Counts == this ? own : Find();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ThreadCounters Find()
    {
        ThreadCounters? last = null;
        for (var counters = t_own; counters is not null; counters = counters.Next)
        {
            if (counters.Counts == this) return counters;
            if (!counters.Counts._isClosed) last = counters;
            else if (last is null) t_own = counters.Next;
            else last.Next = counters.Next;
        }

        var own = new ThreadCounters(this, Thread.CurrentThread) { Next = t_own };
        t_own = own;
        lock (_gate)
        {
            if (_all.Count == _sweepAt) Sweep();
            _all.Add(own);
        }

        return own;
    }

    // Adds up the counters of threads that have ended, and removes them.
    private void Sweep()
    {
        _all.RemoveAll(counters =>
        {
            if (counters.Thread!.IsAlive) return false;
            _endedThreads.Values.Started += counters.Values.Started;
            _endedThreads.Values.Ended += counters.Values.Ended;
            _endedThreads.Values.StartedUnsampled += counters.Values.StartedUnsampled;
            _endedThreads.Values.EndedUnsampled += counters.Values.EndedUnsampled;
            for (var i = 0; i < counters.Decisions.Length; i++) _endedThreads.Decisions[i] += counters.Decisions[i];
            Keep(counters, _endedThreads);
            return true;
        });
        _sweepAt = Math.Max(64, 2 * _all.Count);
    }

    // As many running spans as there is room for.
    private static void Keep(ThreadCounters from, ThreadCounters to)
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

    private static void AddRunning(ThreadCounters counters, List<Activity> running)
    {
        for (var i = 0; i < RecentSpans.Length; i++)
        {
            if (Volatile.Read(ref counters.Recent[i]) is { IsStopped: false, Recorded: true } activity) running.Add(activity);
        }
    }

    private long Sum(Func<ThreadCounters, long> number)
    {
        lock (_gate)
        {
            var sum = number(_endedThreads);
            foreach (var counters in _all) sum += number(counters);
            return sum;
        }
    }

    private sealed class ThreadCounters(SpanCounts counts, Thread? thread)
    {
        public readonly SpanCounts Counts = counts;
        public readonly Thread? Thread = thread;
        public ThreadCounters? Next;
        public RecentSpans Recent;

        // By reason, refused before recorded.
        public readonly long[] Decisions = new long[2 * DecisionReasons.Count];
        public Counters Values;
    }

    /// <summary>The last spans that the thread has started, to name those that never end.</summary>
    /// <remarks>They stay in memory after their end, some 6 KB a thread, because removing each would cost every span a search at its end.</remarks>
    [InlineArray(Length)]
    private struct RecentSpans
    {
        public const int Length = 8;

        private Activity? _first;
    }

    // So large that no two threads write to one cache line.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Counters
    {
        [FieldOffset(48)] public long Started;
        [FieldOffset(56)] public long Ended;
        [FieldOffset(64)] public long StartedUnsampled;
        [FieldOffset(72)] public long EndedUnsampled;
    }
}
