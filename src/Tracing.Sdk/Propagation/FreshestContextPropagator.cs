using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation.Baggage;

namespace Tracing.Sdk.Propagation;

/// <summary>All configured formats at once, by the same rules as for HTTP: the propagator that libraries for messages get from the container.</summary>
internal sealed class FreshestContextPropagator(PropagationSettings settings, Action? injected = null) : TextMapPropagator
{
    private readonly PropagationSettings _read = settings with { RequestId = false, PassThrough = [] };

    public override ISet<string> Fields => new HashSet<string>(ContextHeaders.Propagated);

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
        var headers = new SetterWriter<T>(carrier, setter);
        if (RemoteContext.Current is { Ignored.Activity: { } ignored } remote && ignored.TraceId == context.ActivityContext.TraceId)
        {
            foreach (var (name, values) in remote.PassThrough ?? [])
            {
                var allowed = name == BaggageHeader.HeaderName ? OutboundBaggage.WithKeys(values, settings.BaggageKeys) : values;
                if (allowed.Count > 0 && ContextHeaders.Propagated.Contains(name)) headers.Set(name, allowed.ToString());
            }

            return;
        }

        if (context.ActivityContext.IsValid())
        {
            ContextInjector.Inject(context.ActivityContext.ToOutboundContext(), ref headers, settings);
            injected?.Invoke();
        }

        if (settings.Baggage) W3CBaggagePropagator.Inject(context.Baggage, carrier, setter, settings.BaggageKeys);
    }
}
