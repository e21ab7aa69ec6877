using Tracing.Sdk.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>Where batches end. Export thread only.</summary>
internal abstract class Destination : IDisposable
{
    /// <summary>Makes the batch ready for all its attempts.</summary>
    public abstract void Prepare(SpanBatch batch);

    /// <summary>Makes one attempt, in the time that it may take; never throws.</summary>
    public abstract Attempt Send(TimeSpan timeout, CancellationToken abort);

    public virtual void Dispose()
    {
    }
}
