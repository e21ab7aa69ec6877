using System.Net;
using System.Text.Json;

namespace ApiService;

internal sealed record Order(int Id, int CustomerId, string PlacedOn);

internal sealed record OrderLine(string Product, int Quantity, decimal Price);

internal sealed record Customer(int Id, string Name, string City);

/// <summary>The calls to the data service.</summary>
internal sealed class DataClient(HttpClient http, ILogger<DataClient> log)
{
    /// <summary>Null when there is no such order.</summary>
    public async Task<Order?> FindOrderAsync(int id, CancellationToken cancellation)
    {
        using var response = await http.GetAsync($"/orders/{id}", cancellation);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<Order>(cancellation);
    }

    public async Task<List<OrderLine>> GetLinesAsync(int orderId, CancellationToken cancellation) =>
        await http.GetFromJsonAsync<List<OrderLine>>($"/orders/{orderId}/lines", cancellation) ?? [];

    public async Task<Customer?> GetCustomerAsync(int id, CancellationToken cancellation) =>
        await http.GetFromJsonAsync<Customer>($"/customers/{id}", cancellation);

    /// <summary>Tries again while the data service says that it is not available. Every attempt is a span of its own.</summary>
    public async Task<JsonElement> GetFlakyAsync(int attempts, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var response = await http.GetAsync("/flaky", cancellation);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable && attempt < attempts)
            {
                log.LogWarning("Attempt {Attempt} failed, trying again", attempt);
                continue;
            }

            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        }
    }

    public Task<long> GetSlowAsync(CancellationToken cancellation) => http.GetFromJsonAsync<long>("/slow", cancellation);

    public Task<JsonElement> GetBrokenAsync(CancellationToken cancellation) => http.GetFromJsonAsync<JsonElement>("/broken", cancellation);
}
