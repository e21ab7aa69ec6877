namespace Tracing.Sdk.CompatibilityTests.Shop;

/// <summary>The message that an order has been placed.</summary>
/// <param name="Id">The order.</param>
public sealed record OrderPlaced(long Id);
