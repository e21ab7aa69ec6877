using System.Runtime.InteropServices;
using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export;

/// <summary>The body of a request: what stands around the spans, and the spans where they lie. They are not copied before a stream reads them.</summary>
/// <remarks>Used again for the next request. Each of its readers has a place of its own: a request may be sent again before the last attempt is over.</remarks>
internal sealed class RequestBody
{
    private readonly List<Part> _parts = [];
    private readonly List<byte> _frame = [];

    /// <summary>Bytes of all parts.</summary>
    public int Length { get; private set; }

    /// <summary>Makes it empty.</summary>
    public void Clear()
    {
        _parts.Clear();
        _frame.Clear();
        Length = 0;
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
        Length += frame.Length;
    }

    /// <summary>Appends spans.</summary>
    /// <param name="spans">They must stay where they are until the request is answered.</param>
    /// <param name="skip">Bytes of the first that are left out.</param>
    public void Add(in SpanBatch.Run spans, int skip = 0)
    {
        _parts.Add(new Part(spans.Block, spans.Start + skip, spans.End));
        Length += spans.Length - skip;
    }

    /// <summary>A stream over it that begins at the beginning.</summary>
    public Stream Open() => new Reader(this);

    /// <summary>The content of a request.</summary>
    public BatchContent ToContent() => new(Open, Length);

    private ReadOnlySpan<byte> BytesOf(in Part part) =>
        part.Block is { } block ? block.Bytes(part.Start, part.End) : CollectionsMarshal.AsSpan(_frame)[part.Start..part.End];

    private readonly record struct Part(SpanBlock? Block, int Start, int End)
    {
        public int Length => End - Start;
    }

    private sealed class Reader(RequestBody body) : Stream
    {
        private int _part;
        private int _offset;
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => body.Length;

        public override long Position
        {
            get => _position;
            set => Seek(value, SeekOrigin.Begin);
        }

        public override int Read(Span<byte> buffer)
        {
            var read = 0;
            while (_part < body._parts.Count && read < buffer.Length)
            {
                var bytes = body.BytesOf(body._parts[_part])[_offset..];
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

        // All bytes are in memory, so a read completes at once.
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override long Seek(long offset, SeekOrigin origin)
        {
            var position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => _position + offset, _ => Length + offset };
            ArgumentOutOfRangeException.ThrowIfNegative(position, nameof(offset));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Length, nameof(offset));
            (_part, _offset, _position) = (0, (int)position, (int)position);
            while (_part < body._parts.Count && _offset >= body._parts[_part].Length) _offset -= body._parts[_part++].Length;
            return position;
        }

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
