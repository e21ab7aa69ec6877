using System.Runtime.InteropServices;

namespace Tracing.Sdk.Accounting;

/// <summary>A counter that many threads add to without meeting each other.</summary>
internal sealed class StripedCounter
{
    // A cell for each processor, far enough apart that no two share a cache line.
    private readonly Cell[] _cells = new Cell[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount)];

    public long Value
    {
        get
        {
            var sum = 0L;
            foreach (ref var cell in _cells.AsSpan()) sum += Volatile.Read(ref cell.Value);
            return sum;
        }
    }

    public void Increment() => Interlocked.Increment(ref _cells[Thread.GetCurrentProcessorId() & (_cells.Length - 1)].Value);

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(64)]
        public long Value;
    }
}
