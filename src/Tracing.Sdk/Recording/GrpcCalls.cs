using System.Diagnostics;
using System.Globalization;

namespace Tracing.Sdk.Recording;

/// <summary>The calls of Grpc.Net.Client. The activity of the library is their span: it alone has the status, the whole length of a stream, and calls that reached no
/// server. The HTTP request below it is not a second span. <see href="https://opentelemetry.io/docs/specs/semconv/rpc/grpc/"/></summary>
internal static class GrpcCalls
{
    /// <summary>The tag in which gRPC for .NET, client and server, puts the path of the method.</summary>
    public const string MethodTag = "grpc.method";

    /// <summary>The tag in which it puts the status code, as a number in text.</summary>
    public const string StatusTag = "grpc.status_code";

    /// <summary>The beginning of the content type of every call.</summary>
    public const string ContentType = "application/grpc";

    // The services that take spans, metrics, logs and profiles by OTLP.
    private const string CollectorServices = "/opentelemetry.proto.collector.";

    private const string ActivityName = "Grpc.Net.Client.GrpcOut";
    private const string AttemptsHeader = "grpc-previous-rpc-attempts";

    private static int _isWatched;

    // The request of the call that starts next on this thread. Weak: nothing takes it when the call is not recorded, and it holds the message.
    [ThreadStatic]
    private static WeakReference<HttpRequestMessage?>? t_request;

    /// <summary>Whether an activity is a call.</summary>
    /// <remarks>Known by its name: OpenTelemetry's instrumentation of the library replaces the source by its own.</remarks>
    public static bool IsCall(Activity activity) => activity is { Kind: ActivityKind.Client, OperationName: ActivityName };

    /// <summary>Whether a call that has just started sends telemetry to a collector and belongs to no trace. Sinks of log libraries do so without suppressing their spans.</summary>
    public static bool IsExport(Activity call) =>
        call.ParentSpanId == default && call.GetTagItem(MethodTag) is string path && path.StartsWith(CollectorServices, StringComparison.Ordinal);

    /// <summary>Whether an activity of the platform is a request below a call. It may be another request than that of the call, such as one for a token.</summary>
    public static bool IsBelowCall(Activity activity) => activity.Source.Name == SourceNames.HttpClient && Find(activity.Parent) is not null;

    /// <summary>The call that code belongs to; null when it belongs to none. Handlers of the channel may have started activities of their own.</summary>
    /// <param name="activity">The activity of the code.</param>
    public static Activity? Find(Activity? activity)
    {
        while (activity is { Kind: ActivityKind.Internal }) activity = activity.Parent;
        return activity is not null && IsCall(activity) ? activity : null;
    }

    /// <summary>Whether a request is that of a call.</summary>
    public static bool IsMessage(HttpRequestMessage request) =>
        request.Content is { } content
        && content.Headers.NonValidated.TryGetValues("Content-Type", out var type)
        && type.ToString().StartsWith(ContentType, StringComparison.OrdinalIgnoreCase);

    /// <summary>Learns the requests of calls from now on, before their activities start. Called for each recorder, done once.</summary>
    public static void Watch()
    {
        if (Interlocked.Exchange(ref _isWatched, 1) == 0) DiagnosticListener.AllListeners.Subscribe(new Watcher());
    }

    /// <summary>Sets what is known at the start.</summary>
    /// <returns>The request of the call; null when it is not known yet, because another subscriber to the library's events was asked first.</returns>
    public static HttpRequestMessage? Begin(Activity call)
    {
        var request = TakeRequest();
        if (call.GetTagItem(MethodTag) is not string path) return null;
        var method = path.TrimStart('/');
        if (call.DisplayName == call.OperationName) call.DisplayName = method;
        call.SetTag("rpc.system.name", "grpc");
        call.SetTag("rpc.method", method);
        // The activity of a call before this one may not have been created.
        if (request?.RequestUri is not { IsAbsoluteUri: true } uri || !uri.AbsolutePath.EndsWith(path, StringComparison.Ordinal)) return null;
        SetServer(call, uri);
        return request;
    }

    /// <summary>Sets what is known when the request of a call is sent.</summary>
    /// <param name="call">The call.</param>
    /// <param name="request">The request.</param>
    /// <param name="attempt">How often this request was sent before.</param>
    public static void Sent(Activity call, HttpRequestMessage request, int attempt)
    {
        if (call.GetTagItem("server.address") is null && request.RequestUri is { IsAbsoluteUri: true } uri) SetServer(call, uri);
        // A channel that tries again makes a new request, and tells the server.
        if (attempt == 0 && request.Headers.NonValidated.TryGetValues(AttemptsHeader, out var text)) _ = int.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out attempt);
        if (attempt > 0) call.SetTag("http.request.resend_count", attempt);
    }

    /// <summary>Adds the exception of the request to the call. A cancellation says no more than the status.</summary>
    public static void Fail(Activity call, Exception exception)
    {
        if (exception is OperationCanceledException) return;
        // Not only once for the trace: the platform has just added it to the span of the request, which is not exported.
        var texts = default(TagList);
        RecordedExceptions.Add(call, exception, ref texts);
        call.AddException(exception, texts);
    }

    /// <summary>Sets what is known at the end.</summary>
    public static void End(Activity call)
    {
        if (call.GetTagItem(StatusTag) is string code)
        {
            var status = GrpcStatus.NameOf(code);
            call.SetTag("rpc.response.status_code", status);
            if (status != GrpcStatus.Ok)
            {
                if (call.GetTagItem("error.type") is null) call.SetTag("error.type", status);
                if (call.Status == ActivityStatusCode.Unset) call.SetStatus(ActivityStatusCode.Error);
            }
        }

        // Other listeners read these tags when the library stops the activity.
        if (!OtherListeners.Hear(call.Source)) call.SetTag(MethodTag, null).SetTag(StatusTag, null);
    }

    /// <summary>Makes a listener for calls whose source is ignored. Grpc.Net.Client makes its activity also when nothing listens; it would be the current one of all code below, and is not exported.</summary>
    public static ActivityListener CreateListenerForIgnored() => new()
    {
        ShouldListenTo = static source => source.Name == SourceNames.GrpcClient && !OtherListeners.IsProbe(source),
        Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
        ActivityStarted = static activity =>
        {
            if (!activity.IsAllDataRequested) SpanRecorder.StepAside(activity);
        },
    };

    private static HttpRequestMessage? TakeRequest()
    {
        if (t_request is not { } kept || !kept.TryGetTarget(out var request)) return null;
        kept.SetTarget(null);
        return request;
    }

    private static void SetServer(Activity call, Uri uri)
    {
        if (uri.IdnHost is { Length: > 0 } host) call.SetTag("server.address", host);
        if (uri.Port >= 0) call.SetTag("server.port", uri.Port);
    }

    // The library asks whether an event is wanted, with the request, before it makes the activity. The answer is no, and costs nothing more.
    private sealed class Watcher : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == SourceNames.GrpcClient) value.Subscribe(this, IsWanted);
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            // An event that another subscriber wants.
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        private static bool IsWanted(string name, object? request, object? other)
        {
            if (name == ActivityName && !Suppression.IsActive) (t_request ??= new WeakReference<HttpRequestMessage?>(null)).SetTarget(request as HttpRequestMessage);
            return false;
        }
    }
}
