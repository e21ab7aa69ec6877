using System.Runtime.InteropServices;
using Tracing.Sdk.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>The body of a request: what stands around the spans, and the spans where they lie. Nothing of them is copied until somebody reads.</summary>
/// <remarks>Used again for the next request; closing it does nothing.</remarks>
internal sealed class RequestBody : Stream
{
    private const int LeastPart = 4096;

    private readonly List<Part> _parts = [];
    private readonly List<byte> _frame = [];
    private int _length;

    // Where the reader is.
    private int _part;
    private int _offset;
    private int _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    /// <summary>Makes it empty.</summary>
    public void Clear()
    {
        _parts.Clear();
        _frame.Clear();
        _length = 0;
        Position = 0;
    }

    /// <summary>Appends bytes of the format's own.</summary>
    public void Add(ReadOnlySpan<byte> frame)
    {
        if (frame.IsEmpty) return;
        var start = _frame.Count;
        _frame.AddRange(frame);
        // Bytes that follow others of the frame are one part with them.
        if (_parts is [.., { Block: null } last]) _parts[^1] = last with { End = _frame.Count };
        else _parts.Add(new Part(null, start, _frame.Count));
        _length += frame.Length;
    }

    /// <summary>Appends spans.</summary>
    /// <param name="spans">They must stay where they are until the request is answered.</param>
    /// <param name="skip">Bytes of the first that are left out.</param>
    public void Add(in SpanBatch.Run spans, int skip = 0)
    {
        _parts.Add(new Part(spans.Block, spans.Start + skip, spans.End));
        _length += spans.Length - skip;
    }

    public override int Read(Span<byte> buffer)
    {
        var read = 0;
        while (_part < _parts.Count && read < buffer.Length)
        {
            var bytes = BytesOf(_parts[_part])[_offset..];
            var count = Math.Min(bytes.Length, buffer.Length - read);
            bytes[..count].CopyTo(buffer[read..]);
            read += count;
            _offset += count;
            if (count < bytes.Length) break;
            _part++;
            _offset = 0;
        }

        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Copies without a buffer in between, unless the parts are so small that gathering them is cheaper.</summary>
    public override void CopyTo(Stream destination, int bufferSize)
    {
        if (_length / Math.Max(1, _parts.Count) < LeastPart)
        {
            base.CopyTo(destination, bufferSize);
            return;
        }

        for (; _part < _parts.Count; _part++, _offset = 0)
        {
            var bytes = BytesOf(_parts[_part])[_offset..];
            destination.Write(bytes);
            _position += bytes.Length;
        }
    }

    // All is there: nobody has to wait.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Read(buffer.AsSpan(offset, count)));

    /// <summary>Begins anew, or goes on: what requests do that are sent again.</summary>
    public override long Seek(long offset, SeekOrigin origin)
    {
        var position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => _position + offset, _ => _length + offset };
        ArgumentOutOfRangeException.ThrowIfNegative(position, nameof(offset));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, _length, nameof(offset));
        (_part, _offset, _position) = (0, (int)position, (int)position);
        while (_part < _parts.Count && _offset >= _parts[_part].Length) _offset -= _parts[_part++].Length;
        return position;
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private ReadOnlySpan<byte> BytesOf(in Part part) =>
        part.Block is { } block ? block.Bytes(part.Start, part.End) : CollectionsMarshal.AsSpan(_frame)[part.Start..part.End];

    private readonly record struct Part(SpanBlock? Block, int Start, int End)
    {
        public int Length => End - Start;
    }
}
