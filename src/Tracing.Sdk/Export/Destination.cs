using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export;

/// <summary>Where batches end. Export thread only.</summary>
internal abstract class Destination : IDisposable
{
    /// <summary>Begins to open a connection, if there is one to open; never throws, never waits.</summary>
    public virtual void Connect()
    {
    }

    /// <summary>Makes the batch ready for all its attempts.</summary>
    public abstract void Prepare(SpanBatch batch);

    /// <summary>Makes one attempt, in the time that it may take; never throws.</summary>
    public abstract Attempt Send(TimeSpan timeout, CancellationToken abort);

    public virtual void Dispose()
    {
    }
}
