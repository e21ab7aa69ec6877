using System.Diagnostics;
using Tracing.Sdk.Http;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Messages;

// RS0026: the overloads of Receive differ in what is required, so that a call never fits both.
#pragma warning disable RS0026

/// <summary>Carries the trace through messages of libraries that do not trace them: headers of Kafka, items of a Channel, rows of an outbox, raw queues.</summary>
/// <remarks>The sender calls <see cref="Inject(IDictionary{string, string})"/>, the receiver
/// <see cref="Receive(ActivitySource, string, IReadOnlyDictionary{string, string}, MessageRelation)"/>. The formats are those of <c>Propagation:Formats</c>, as for HTTP.
/// Bad headers and delegates that throw count as no headers: neither the sending nor the handling of a message fails because of them. Before tracing has started, the
/// headers are the platform's. Libraries that use <see cref="DistributedContextPropagator.Current"/> themselves, such as RabbitMQ.Client 7, need none of this.</remarks>
/// <example><code>
/// // sending
/// MessageTracing.Inject(message.Headers);
///
/// // receiving
/// using var handling = MessageTracing.Receive(Source, "process orders", message.Headers);
/// </code></example>
public static class MessageTracing
{
    /// <summary>Writes the context of the running code to the headers of a message: the ids of the nearest recorded span in each configured format, the decision to record or
    /// not to record, <c>x-request-id</c>, and the baggage whose keys may leave. In <see cref="MeshTracingMode.Forward"/>, and in a request or a message that is left out, it
    /// writes what came in.</summary>
    /// <param name="headers">The headers. A context that they hold already, in any format and spelling, is replaced; it stays where the running code has none.</param>
    /// <exception cref="ArgumentNullException"><paramref name="headers"/> is null.</exception>
    public static void Inject(IDictionary<string, string> headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        Write(new MessageWriter(headers));
    }

    /// <summary>As <see cref="Inject(IDictionary{string, string})"/>, for a carrier of any type.</summary>
    /// <typeparam name="TCarrier">The type of the carrier.</typeparam>
    /// <param name="carrier">What holds the headers of the message.</param>
    /// <param name="setter">Sets one header of the carrier, in place of any older one of that name. Names and values are ASCII text. What it throws is ignored, and the header is missing then.</param>
    /// <exception cref="ArgumentNullException"><paramref name="setter"/> is null.</exception>
    public static void Inject<TCarrier>(TCarrier carrier, Action<TCarrier, string, string> setter)
    {
        ArgumentNullException.ThrowIfNull(setter);
        Write(new SetterWriter<TCarrier>(carrier, setter));
    }

    /// <summary>Begins the handling of a message: reads its context, makes it current, and starts a CONSUMER span. Calls, queries, messages and log lines of the handling belong
    /// to that span until the scope is disposed of.</summary>
    /// <param name="source">The source of the span.</param>
    /// <param name="name">The name of the span, <c>process orders</c> for example.</param>
    /// <param name="headers">The headers of the message; null for none. Names are compared without regard to case.</param>
    /// <param name="relation">How the span relates to the sender's. Default: it is its child.</param>
    /// <returns>The scope of the handling. Dispose of it in the method that has called this one: a loop is then as it was before the message.</returns>
    /// <remarks>The message alone decides which trace it belongs to, not the span that is current where it is received: a message without a context begins a trace, which this
    /// service decides about as about any new one. The handling has the baggage of the message and no other.</remarks>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> or <paramref name="name"/> is null.</exception>
    public static MessageScope Receive(
        ActivitySource source, string name, IReadOnlyDictionary<string, string>? headers, MessageRelation relation = MessageRelation.Parent) =>
        Receive(source, name, new MessageReader(headers), relation);

    /// <summary>As <see cref="Receive(ActivitySource, string, IReadOnlyDictionary{string, string}, MessageRelation)"/>, for a carrier of any type.</summary>
    /// <typeparam name="TCarrier">The type of the carrier.</typeparam>
    /// <param name="source">The source of the span.</param>
    /// <param name="name">The name of the span, <c>process orders</c> for example.</param>
    /// <param name="carrier">What holds the headers of the message.</param>
    /// <param name="getter">Returns all values of a header of the carrier; null or empty for none. A header for which it throws counts as missing.</param>
    /// <param name="relation">How the span relates to the sender's. Default: it is its child.</param>
    /// <returns>The scope of the handling. Dispose of it in the method that has called this one.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="source"/>, <paramref name="name"/> or <paramref name="getter"/> is null.</exception>
    public static MessageScope Receive<TCarrier>(
        ActivitySource source, string name, TCarrier carrier, Func<TCarrier, string, IEnumerable<string>?> getter, MessageRelation relation = MessageRelation.Parent)
    {
        ArgumentNullException.ThrowIfNull(getter);
        return Receive(source, name, new GetterReader<TCarrier>(carrier, getter), relation);
    }

    /// <summary>Reads the context of a message and changes nothing: for the links of one span that handles a batch of messages.</summary>
    /// <param name="headers">The headers of the message; null for none. Names are compared without regard to case.</param>
    /// <returns>The context of the sender; <c>default</c> when there is none. A link to that is not exported.</returns>
    /// <example><code>
    /// var links = batch.Select(message => new ActivityLink(MessageTracing.Extract(message.Headers)));
    /// using var span = Source.StartActivity("process orders", ActivityKind.Consumer, parentContext: default, links: links);
    /// </code></example>
    public static ActivityContext Extract(IReadOnlyDictionary<string, string>? headers) => Extract(new MessageReader(headers));

    /// <summary>As <see cref="Extract(IReadOnlyDictionary{string, string})"/>, for a carrier of any type.</summary>
    /// <typeparam name="TCarrier">The type of the carrier.</typeparam>
    /// <param name="carrier">What holds the headers of the message.</param>
    /// <param name="getter">Returns all values of a header of the carrier; null or empty for none. A header for which it throws counts as missing.</param>
    /// <returns>The context of the sender; <c>default</c> when there is none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="getter"/> is null.</exception>
    public static ActivityContext Extract<TCarrier>(TCarrier carrier, Func<TCarrier, string, IEnumerable<string>?> getter)
    {
        ArgumentNullException.ThrowIfNull(getter);
        return Extract(new GetterReader<TCarrier>(carrier, getter));
    }

    private static void Write<TWriter>(TWriter headers) where TWriter : struct, IHeaderWriter
    {
        var activity = Activity.Current;
        // The messages of an exporter belong to no trace.
        if (activity is null && Suppression.IsActive) return;
        if (TracingInstance.Find() is { } tracing) OutboundHeaders.Write(tracing, ref headers, activity);
        else DistributedContextPropagator.Current.Inject(activity, headers, static (carrier, name, value) => ((IHeaderWriter)carrier!).Set(name, value));
    }

    private static MessageScope Receive<TReader>(ActivitySource source, string name, TReader headers, MessageRelation relation) where TReader : struct, IHeaderReader
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        return new MessageScope(source, name, ReceivedMessage.Read(TracingInstance.Find(), headers, relation));
    }

    private static ActivityContext Extract<TReader>(TReader headers) where TReader : struct, IHeaderReader
    {
        var remote = ContextExtractor.Extract(headers, ReceivedMessage.FormatsOf(TracingInstance.Find()));
        return remote.Ids.HasIds ? remote.Ids.ToActivityContext(remote.TraceState) : default;
    }
}
