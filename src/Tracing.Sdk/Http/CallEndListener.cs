using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>Calls <see cref="EnrichOptions.CallEnd"/> for spans of the platform. No API of the platform gives the response with its span, except the two events of its
/// DiagnosticListener that are heard here. Listening to no others, it changes nothing about which spans the platform makes.</summary>
/// <remarks>The events come on the thread of the call, first the exception, then the end of the span, and before the span stops.</remarks>
internal sealed class CallEndListener(TracingInstance tracing, Action<Activity, HttpRequestMessage, HttpResponseMessage?, Exception?> callEnd)
    : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string Failed = "System.Net.Http.Exception";
    private const string Stopped = "System.Net.Http.HttpRequestOut.Stop";

    // Null until the first event of each kind.
    private static PropertyInfo? _exception;
    private static PropertyInfo? _request;
    private static PropertyInfo? _response;

    // The failure of the call that ends next on this thread.
    [ThreadStatic]
    private static (Activity? Activity, Exception? Exception) t_failure;

    private IDisposable? _listeners;
    private IDisposable? _events;

    public void Start() => _listeners = DiagnosticListener.AllListeners.Subscribe(this);

    public void Dispose()
    {
        _listeners?.Dispose();
        _events?.Dispose();
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "HttpHandlerDiagnosticListener") _events = value.Subscribe(this, static name => name is Failed or Stopped);
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        // Every event comes here while another subscriber listens to it.
        if (value.Value is not { } payload || value.Key is not (Failed or Stopped)) return;
        if (Activity.Current is not { } activity || activity.Source.Name != SourceNames.HttpClient || TracingInstance.Find() != tracing || !tracing.Recorder!.IsRecorded(activity)) return;
        if (value.Key == Failed)
        {
            t_failure = (activity, Read(ref _exception, payload, "Exception") as Exception);
            return;
        }

        var exception = t_failure.Activity == activity ? t_failure.Exception : null;
        t_failure = default;
        if (Read(ref _request, payload, "Request") is HttpRequestMessage request)
        {
            CallEnrichment.End(tracing, callEnd, activity, request, Read(ref _response, payload, "Response") as HttpResponseMessage, exception);
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    // The platform keeps these properties when it is trimmed.
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "System.Net.Http marks the properties of the payloads of its events as used.")]
    private static object? Read(ref PropertyInfo? property, object payload, string name)
    {
        if (property?.DeclaringType != payload.GetType()) property = payload.GetType().GetProperty(name);
        return property?.GetValue(payload);
    }
}
