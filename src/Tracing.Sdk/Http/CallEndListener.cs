using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>Calls <see cref="EnrichOptions.CallEnd"/> for spans of the platform. No API of the platform gives the response with its span, except an event of its
/// DiagnosticListener. Listening to no other event, it changes nothing about which spans the platform makes.</summary>
/// <remarks>The platform adds the exception to the span and writes the event on one thread, and then stops the span.</remarks>
internal sealed class CallEndListener(TracingInstance tracing) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string Stopped = "System.Net.Http.HttpRequestOut.Stop";

    // Null until the first event.
    private static PropertyInfo? _request;
    private static PropertyInfo? _response;

    // The failure of the call that ends next on this thread.
    [ThreadStatic]
    private static (Activity? Activity, Exception? Exception) t_failure;

    // The event has no exception.
    private readonly ActivityListener _failures = new()
    {
        ShouldListenTo = static source => source.Name == SourceNames.HttpClient && !OtherListeners.IsProbe(source),
        ExceptionRecorder = static (Activity activity, Exception exception, ref TagList _) =>
        {
            // The request of a gRPC call is not the current activity: its call is.
            if (activity == Activity.Current || activity.Parent == Activity.Current) t_failure = (activity, exception);
        },
    };

    private IDisposable? _listeners;
    private IDisposable? _events;

    public void Start()
    {
        ActivitySource.AddActivityListener(_failures);
        _listeners = DiagnosticListener.AllListeners.Subscribe(this);
    }

    public void Dispose()
    {
        _failures.Dispose();
        _listeners?.Dispose();
        _events?.Dispose();
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "HttpHandlerDiagnosticListener") _events = value.Subscribe(this, static name => name == Stopped);
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        // Every event comes here while another subscriber listens to it.
        if (value is not { Key: Stopped, Value: { } payload } || Activity.Current is not { } current || TracingInstance.Find() != tracing) return;
        var exception = t_failure.Activity is { } failed && (failed == current || failed.Parent == current) ? t_failure.Exception : null;
        if (FindSpan(current) is not { } activity) return;
        t_failure = default;
        if (Read(ref _request, payload, "Request") is HttpRequestMessage request && (activity == current || GrpcCalls.IsMessage(request)))
        {
            CallEnrichment.End(tracing, activity, request, Read(ref _response, payload, "Response") as HttpResponseMessage, exception);
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    // The span of the request that ends: its own, or that of the gRPC call.
    private Activity? FindSpan(Activity current)
    {
        if (tracing.Recorder is not { } recorder) return null;
        var isHttp = current.Source.Name == SourceNames.HttpClient;
        if (isHttp && recorder.IsRecorded(current)) return current;
        return GrpcCalls.Find(isHttp ? current.Parent : current) is { } call && recorder.IsRecorded(call) ? call : null;
    }

    // The platform keeps these properties when it is trimmed.
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "System.Net.Http marks the properties of the payloads of its events as used.")]
    private static object? Read(ref PropertyInfo? property, object payload, string name)
    {
        if (property?.DeclaringType != payload.GetType()) property = payload.GetType().GetProperty(name);
        return property?.GetValue(payload);
    }
}
