using System.Net;

namespace Tracing.Sdk.Export.Http;

/// <summary>The content of a request. It records whether it was read: if not, nothing of the batch can have been sent.</summary>
/// <param name="open">Opens the bytes at their beginning; several readers may be open at once.</param>
/// <param name="length">The number of bytes.</param>
internal sealed class BatchContent(Func<Stream> open, long length) : HttpContent
{
    private volatile bool _isRead;

    public bool IsRead => _isRead;

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => Open();
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(Open());

    protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        using var reader = Open();
        reader.CopyTo(stream);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await using var reader = Open();
        await reader.CopyToAsync(stream, cancellationToken).ConfigureAwait(false);
    }

    private Stream Open()
    {
        _isRead = true;
        return open();
    }
}
