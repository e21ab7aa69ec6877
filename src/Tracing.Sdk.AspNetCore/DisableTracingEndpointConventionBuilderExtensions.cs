using Tracing.Sdk;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Turns tracing off per endpoint.</summary>
public static class DisableTracingEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Makes no spans of requests to this endpoint, nor of what its code does; the trace headers that came in go out unchanged with its calls:
    /// <c>app.MapGet("/ping", ...).DisableTracing()</c>. Unlike <c>Ignore:Paths</c> this is decided after routing: a request stays recorded if middleware has started a span before.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint or group.</typeparam>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <returns>The same builder.</returns>
    public static TBuilder DisableTracing<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        var metadata = new DisableTracingAttribute();
        builder.Add(endpoint => endpoint.Metadata.Add(metadata));
        return builder;
    }
}
