using Tracing.Sdk.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>Where batches end. Export thread only.</summary>
internal abstract class Destination : IDisposable
{
    /// <summary>Makes the batch ready for all its attempts.</summary>
    public abstract void Prepare(SpanBatch batch);

    /// <summary>Makes one attempt; never throws.</summary>
    public abstract Attempt Send(CancellationToken cancellationToken);

    public virtual void Dispose()
    {
    }
}
