using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>All configured formats at once, by the same rules as HTTP: what a library gets that asks the container for a propagator.</summary>
internal sealed class FreshestContextPropagator(PropagationSettings settings) : TextMapPropagator
{
    private readonly PropagationSettings _read = settings with { RequestId = false, PassThrough = [] };

    public override ISet<string> Fields => new HashSet<string>(
    [
        TraceParent.HeaderName, TraceStateList.HeaderName, B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId,
        B3Headers.Sampled, B3Headers.Flags, BaggageHeader.HeaderName,
    ]);

    public override PropagationContext Extract<T>(PropagationContext context, T carrier, Func<T, string, IEnumerable<string>?>? getter)
    {
        if (carrier is null || getter is null || context.ActivityContext.IsValid()) return context;
        var remote = ContextExtractor.Extract(new GetterReader<T>(carrier, getter), _read);
        return new PropagationContext(
            remote.Ids.HasIds ? remote.Ids.ToActivityContext(remote.TraceState) : context.ActivityContext,
            remote.Baggage is { } baggage ? W3CBaggagePropagator.ToBaggage(baggage) : context.Baggage);
    }

    public override void Inject<T>(PropagationContext context, T carrier, Action<T, string, string>? setter)
    {
        if (carrier is null || setter is null) return;
        var activity = context.ActivityContext;
        if (activity.IsValid())
        {
            var headers = new SetterWriter<T>(carrier, setter);
            var outbound = new OutboundContext(
                activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), activity.StateOf(),
                IsRandom: ((int)activity.TraceFlags & TraceIds.RandomFlag) != 0, activity.TraceState);
            ContextInjector.Inject(outbound, ref headers, settings);
        }

        if (settings.Baggage) W3CBaggagePropagator.Inject(context.Baggage, carrier, setter, settings.BaggageKeys);
    }
}
