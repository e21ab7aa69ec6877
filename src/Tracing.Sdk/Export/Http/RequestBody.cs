using System.Runtime.InteropServices;
using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export.Http;

/// <summary>The body of a request, as a list of parts: the envelope's bytes, and the spans in their blocks, which are copied only when a stream reads them.</summary>
/// <remarks>It is used again for the next request. Each reader has its own position, because a request may be sent again before the previous attempt has ended.</remarks>
internal sealed class RequestBody
{
    private readonly List<Part> _parts = [];
    private readonly List<byte> _envelope = [];
    private int _prefixLength;

    public int Length { get; private set; }

    /// <summary>The bytes in front, which are filled when the length of the rest is known.</summary>
    public Span<byte> Prefix => CollectionsMarshal.AsSpan(_envelope)[.._prefixLength];

    /// <param name="prefixLength">The number of bytes in front.</param>
    public void Clear(int prefixLength = 0)
    {
        _parts.Clear();
        _envelope.Clear();
        Length = 0;
        _prefixLength = prefixLength;
        Add(stackalloc byte[prefixLength]);
    }

    /// <summary>Appends bytes of the envelope.</summary>
    public void Add(ReadOnlySpan<byte> envelope)
    {
        if (envelope.IsEmpty) return;
        var start = _envelope.Count;
        _envelope.AddRange(envelope);
        // Adjacent bytes of the envelope are one part.
        if (_parts is [.., { Block: null } last]) _parts[^1] = last with { End = _envelope.Count };
        else _parts.Add(new Part(null, start, _envelope.Count));
        Length += envelope.Length;
    }

    /// <summary>Appends spans.</summary>
    /// <param name="spans">The spans; their block must not be returned before the request has ended.</param>
    /// <param name="skip">The number of bytes at the beginning that are left out.</param>
    public void Add(in SpanBatch.Run spans, int skip = 0)
    {
        _parts.Add(new Part(spans.Block, spans.Start + skip, spans.End));
        Length += spans.Length - skip;
    }

    public Stream Open() => new Reader(this);
    public BatchContent ToContent() => new(Open, Length);

    private ReadOnlySpan<byte> BytesOf(in Part part) =>
        part.Block is { } block ? block.Bytes(part.Start, part.End) : CollectionsMarshal.AsSpan(_envelope)[part.Start..part.End];

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

        public override void Flush() { }

        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
