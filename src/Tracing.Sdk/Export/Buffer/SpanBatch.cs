using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Buffer;

/// <summary>The spans of one request, as runs of bytes in blocks. Export thread only.</summary>
/// <param name="maxSpans">Limit of the spans.</param>
/// <param name="maxBytes">Limit of the bytes.</param>
/// <param name="scopeBytes">Returns the bytes that a scope adds to a request; null where they do not count.</param>
internal sealed class SpanBatch(int maxSpans, int maxBytes, Func<int, int>? scopeBytes = null)
{
    private readonly List<Run> _runs = [];
    private readonly List<int> _scopes = [];

    /// <summary>Spans of one scope that lie side by side in a block.</summary>
    public readonly record struct Run(SpanBlock Block, int Start, int End, int Scope)
    {
        public int Length => End - Start;
        public ReadOnlySpan<byte> Bytes => Block.Bytes(Start, End);
    }

    public int Count { get; private set; }

    /// <summary>The bytes of all spans, and of their scopes where these count.</summary>
    public int Bytes { get; private set; }

    /// <summary>Limit of <see cref="Bytes"/>, except for a batch of one span.</summary>
    public int MaxBytes { get; set; } = maxBytes;

    public ReadOnlySpan<Run> Runs => CollectionsMarshal.AsSpan(_runs);

    /// <summary>The indexes of the scopes that occur, in ascending order.</summary>
    public IReadOnlyList<int> Scopes => _scopes;

    /// <summary>The block of the last span.</summary>
    public SpanBlock? LastBlock { get; private set; }

    /// <summary>The index, in <see cref="LastBlock"/>, of the span behind the last one.</summary>
    public int Next { get; private set; }

    /// <summary>Adds the spans of a block, as many as the limits allow. The first span of a batch always fits.</summary>
    /// <returns>False when some spans did not fit.</returns>
    public bool Add(SpanBlock block, int first)
    {
        var count = block.Count;
        if (first >= count) return true;

        var start = block.StartOf(first);
        var left = maxSpans - Count;
        var room = MaxBytes - Bytes;
        var scope = block[first].Scope;
        var bytes = block.Length - start + CostOf(scope);
        if (block.IsOfOneScope && count - first <= left && bytes <= room)
        {
            // The usual case: no single span is looked at.
            AddRun(new Run(block, start, block.Length, scope));
            Bytes += bytes;
            Count += count - first;
            (LastBlock, Next) = (block, count);
            return true;
        }

        var i = first;
        var end = start;
        for (; i < count && left > 0; i++, left--)
        {
            var span = block[i];
            bytes = span.End - end + (span.Scope == scope && i > first ? 0 : CostOf(span.Scope));
            if (bytes > room && (Count > 0 || i > first)) break;
            room -= bytes;
            if (span.Scope != scope)
            {
                AddRun(new Run(block, start, end, scope));
                (start, scope) = (end, span.Scope);
            }

            end = span.End;
        }

        if (i > first)
        {
            AddRun(new Run(block, start, end, scope));
            Bytes = MaxBytes - room;
            Count += i - first;
            (LastBlock, Next) = (block, i);
        }

        return i == count;
    }

    public void Clear()
    {
        _runs.Clear();
        _scopes.Clear();
        (Count, Bytes, LastBlock, Next) = (0, 0, null, 0);
    }

    private int CostOf(int scope) => scopeBytes is null || _scopes.BinarySearch(scope) >= 0 ? 0 : scopeBytes(scope);

    private void AddRun(Run run)
    {
        _runs.Add(run);
        var place = _scopes.BinarySearch(run.Scope);
        if (place < 0) _scopes.Insert(~place, run.Scope);
    }
}
