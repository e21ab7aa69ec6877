using Refit;

namespace Tracing.Sdk.CompatibilityTests.Shop;

/// <summary>Calls of the service that counts articles.</summary>
public interface IStock
{
    [Get("/stock/{article}")]
    Task<int> GetAsync(string article);
}
