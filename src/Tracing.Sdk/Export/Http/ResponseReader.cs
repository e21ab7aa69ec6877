using System.IO.Compression;

namespace Tracing.Sdk.Export.Http;

/// <summary>How the reading of a response's body ended.</summary>
internal enum ResponseEnd
{
    Complete,

    /// <summary>The body is cut off, too slow, or not in the encoding that it claims.</summary>
    Broken,

    /// <summary>The body is larger than any collector's.</summary>
    TooLarge,
}

/// <summary>Reads bodies of responses into one buffer. Export thread only.</summary>
internal sealed class ResponseReader
{
    // https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
    private const int MaxBytes = 4 * 1024 * 1024;

    private readonly byte[] _buffer = new byte[16 * 1024];

    /// <summary>Returns the beginning of the body. The rest is read too, so that the connection can be used again.</summary>
    public ReadOnlySpan<byte> Read(HttpResponseMessage response, bool isAsync, CancellationToken cancellationToken, out ResponseEnd end)
    {
        end = ResponseEnd.Broken;
        var kept = 0;
        try
        {
            // The streams of a response take no token; a thread that is blocked in a read returns when the response is disposed of.
            using var onCancel = cancellationToken.UnsafeRegister(HttpTransport.DisposeSafely, response);
            var stream = isAsync
                ? response.Content.ReadAsStreamAsync(cancellationToken).GetAwaiter().GetResult()
                : response.Content.ReadAsStream(cancellationToken);
            if (response.Content.Headers.ContentEncoding.Contains("gzip")) stream = new GZipStream(stream, CompressionMode.Decompress);
            using (stream)
            {
                Span<byte> rest = stackalloc byte[1024];
                for (var total = 0; total <= MaxBytes;)
                {
                    var read = kept < _buffer.Length ? stream.Read(_buffer.AsSpan(kept)) : stream.Read(rest);
                    if (read == 0)
                    {
                        end = ResponseEnd.Complete;
                        return _buffer.AsSpan(0, kept);
                    }

                    if (kept < _buffer.Length) kept += read;
                    total += read;
                }
            }

            end = ResponseEnd.TooLarge;
        }
        catch (Exception)
        {
            // What was read so far may still hold a message.
        }

        return _buffer.AsSpan(0, kept);
    }
}
