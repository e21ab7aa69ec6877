using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export;

/// <summary>Carries batches to one collector. Export thread only.</summary>
internal abstract class Transport : IDisposable
{
    /// <summary>Begins to open a connection, if the transport has one. Does not throw and does not wait.</summary>
    public virtual void Connect() { }

    /// <summary>Prepares a batch for all its attempts.</summary>
    public abstract void Prepare(SpanBatch batch);

    /// <summary>Sends the prepared batch once, within the timeout. Does not throw.</summary>
    public abstract SendResult Send(TimeSpan timeout, CancellationToken abort);

    public virtual void Dispose() { }
}
