using System.Diagnostics;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Tracing.Sdk.Messages;

namespace Tracing.Sdk.TestService;

/// <summary>A queue of URLs on a real RabbitMQ. One service publishes to it in its requests, another one consumes it and calls each URL.</summary>
/// <param name="clients">Makes the calls.</param>
/// <param name="configuration"><c>Queue:Server</c> is the server; <c>Queue:Consumes</c> makes this service the consumer, and <c>Queue:ByHand</c> carries the trace by
/// <see cref="MessageTracing"/> instead of the spans of RabbitMQ.Client, which have to be left out then.</param>
internal sealed class OrderQueue(IHttpClientFactory clients, IConfiguration configuration) : IHostedService, IAsyncDisposable
{
    private static readonly ActivitySource Source = new("TestService.OrderQueue");

    private readonly bool _byHand = configuration.GetValue("Queue:ByHand", false);
    private readonly string _name = configuration["Queue:Name"] ?? "orders";
    private IConnection _connection = null!;
    private IChannel _channel = null!;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _connection = await new ConnectionFactory { Uri = new Uri(configuration["Queue:Server"]!) }.CreateConnectionAsync(cancellationToken);
        _channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await _channel.QueueDeclareAsync(_name, durable: false, exclusive: false, autoDelete: false, cancellationToken: cancellationToken);
        if (!configuration.GetValue("Queue:Consumes", false)) return;
        var consumer = new AsyncEventingBasicConsumer(_channel);
        consumer.ReceivedAsync += (_, message) => HandleAsync(message);
        await _channel.BasicConsumeAsync(_name, autoAck: true, consumer, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Publishes a URL for the consumer to call.</summary>
    public async Task PublishAsync(string url)
    {
        var properties = new BasicProperties { Headers = new Dictionary<string, object?>() };
        if (_byHand) MessageTracing.Inject(properties.Headers, static (headers, name, value) => headers[name] = value);
        await _channel.BasicPublishAsync("", _name, mandatory: true, properties, Encoding.UTF8.GetBytes(url));
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is null) return;
        await _connection.DisposeAsync();
    }

    private async Task HandleAsync(BasicDeliverEventArgs message)
    {
        using var handling = _byHand ? MessageTracing.Receive(Source, "process orders", message.BasicProperties.Headers, Read) : null;
        using var response = await clients.CreateClient().GetAsync(new Uri(Encoding.UTF8.GetString(message.Body.Span)));
    }

    // Text arrives as bytes.
    private static string[]? Read(IDictionary<string, object?>? headers, string name) =>
        headers?.TryGetValue(name, out var value) == true && value is byte[] bytes ? [Encoding.UTF8.GetString(bytes)] : null;
}
