using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Tracing.Sdk.CompatibilityTests.Shop;

/// <summary>A page that places an order.</summary>
/// <param name="orders">The service that takes it.</param>
[Route("/orders/{Article}")]
public sealed class OrderPage(Orders.OrdersClient orders) : ComponentBase
{
    private long _id;

    [Parameter]
    public string Article { get; set; } = "";

    protected override async Task OnInitializedAsync() => _id = (await orders.PlaceAsync(new PlaceRequest { Article = Article })).Id;

    protected override void BuildRenderTree(RenderTreeBuilder builder) => builder.AddContent(0, $"Order {_id}");
}
