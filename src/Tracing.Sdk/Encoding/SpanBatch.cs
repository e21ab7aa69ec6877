namespace Tracing.Sdk.Encoding;

/// <summary>The spans of one request: where their bytes are, and to which scope they belong.</summary>
internal sealed class SpanBatch(int maxSpans, int maxBytes)
{
    private readonly Record[] _records = new Record[maxSpans];
    private readonly List<int> _scopes = [];

    public readonly record struct Record(SpanBlock Block, int Offset, int Length, int Scope)
    {
        public ReadOnlySpan<byte> Bytes => Block.Records.Slice(Offset, Length);
    }

    public int Count { get; private set; }

    /// <summary>Bytes of all spans.</summary>
    public int Bytes { get; private set; }

    public ReadOnlySpan<Record> Records => _records.AsSpan(0, Count);

    /// <summary>The scopes that occur, in the order of their first span.</summary>
    public IReadOnlyList<int> Scopes => _scopes;

    /// <summary>Adds a span unless the batch is full; one span alone always fits.</summary>
    public bool TryAdd(SpanBlock block, int offset, int length, int scope)
    {
        if (Count == _records.Length || (Count > 0 && Bytes + length > maxBytes)) return false;
        _records[Count++] = new Record(block, offset, length, scope);
        Bytes += length;
        if (!_scopes.Contains(scope)) _scopes.Add(scope);
        return true;
    }

    public void Clear()
    {
        _records.AsSpan(0, Count).Clear();
        _scopes.Clear();
        Count = 0;
        Bytes = 0;
    }
}
