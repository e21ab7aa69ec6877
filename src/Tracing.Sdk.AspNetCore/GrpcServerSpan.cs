using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>What the server span of a gRPC call says beside the attributes of its request. <see href="https://opentelemetry.io/docs/specs/semconv/rpc/grpc/"/></summary>
/// <remarks>Grpc.AspNetCore is known by what it leaves behind: its endpoints, the tags that it sets on the activity of the request, and the header or trailer with the
/// status.</remarks>
internal static class GrpcServerSpan
{
    private const string StatusHeader = "grpc-status";

    /// <summary>The method that a request calls, <see cref="GrpcStatus.OtherMethod"/> for one that no service has; null when the request is no gRPC call.</summary>
    public static string? FindMethod(Activity activity, HttpRequest request, EndpointNames? endpoint)
    {
        // With JSON transcoding other requests come to the same endpoints.
        if (endpoint?.GrpcMethod is { } method) return request.ContentType?.StartsWith(GrpcCalls.ContentType, StringComparison.OrdinalIgnoreCase) == true ? method : null;
        return (activity.GetTagItem(GrpcCalls.MethodTag) as string)?.TrimStart('/');
    }

    /// <summary>The span's name: a name for each method that strangers guess would be too many.</summary>
    public static string NameOf(string method) => method == GrpcStatus.OtherMethod ? "grpc" : method;

    /// <summary>Sets the attributes and the status.</summary>
    /// <returns>The error's type; null when the call is no error of the server, or has no status of gRPC.</returns>
    public static string? Complete(Activity activity, HttpContext context, string method)
    {
        activity.SetTag("rpc.system.name", "grpc");
        activity.SetTag("rpc.method", method);
        if (method == GrpcStatus.OtherMethod) activity.SetTag("rpc.method_original", context.Request.Path.Value?.TrimStart('/'));
        var status = FindStatus(activity, context);
        // Other listeners read these tags when hosting stops the activity.
        if (!OtherListeners.Hear(activity.Source)) activity.SetTag(GrpcCalls.MethodTag, null).SetTag(GrpcCalls.StatusTag, null);
        if (status is null) return null;
        activity.SetTag("rpc.response.status_code", status);
        if (!GrpcStatus.IsErrorOfServer(status)) return null;
        if (activity.Status == ActivityStatusCode.Unset) activity.SetStatus(ActivityStatusCode.Error);
        return status;
    }

    // What was sent to the caller. The tag has the same, except after a deadline: then it has what became of the service's code, which was cancelled.
    private static string? FindStatus(Activity activity, HttpContext context)
    {
        var sent = context.Response.Headers[StatusHeader];
        if (sent.Count == 0 && context.Features.Get<IHttpResponseTrailersFeature>() is { Trailers: { } trailers }) sent = trailers[StatusHeader];
        if ((sent.Count > 0 ? sent[0] : activity.GetTagItem(GrpcCalls.StatusTag) as string) is not { Length: > 0 } code) return null;
        var status = GrpcStatus.NameOf(code);
        // Nothing was sent any more, and what the service's code has thrown is the cancellation.
        return status == GrpcStatus.Unknown && context.RequestAborted.IsCancellationRequested ? GrpcStatus.Cancelled : status;
    }
}
