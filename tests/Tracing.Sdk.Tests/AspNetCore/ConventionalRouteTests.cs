using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Tracing.Sdk.AspNetCore;

namespace Tracing.Sdk.Tests.AspNetCore;

public sealed class ConventionalRouteTests
{
    [Theory]
    [InlineData("{controller=Home}/{action=Index}/{id?}", "Orders/Details/{id?}")]
    [InlineData("{Controller}/{ACTION}", "Orders/Details")]
    [InlineData("{area:exists}/{controller:regex(^[[a-z]]{{2,9}}$)}/{action?}", "{area:exists}/Orders/Details")]
    [InlineData("shop-{controller}.{action}/{**rest}", "shop-Orders.Details/{**rest}")]
    [InlineData("{*action}", "Details")]
    [InlineData("{year:regex(^\\d{{4}}$)}/{controller}", "{year:regex(^\\d{{4}}$)}/Orders")]
    [InlineData("a{{controller}}/{action}", "a{{controller}}/Details")]
    [InlineData("{lang}/{controllers}", "{lang}/{controllers}")]
    [InlineData("special/{id:int}", "special/{id:int}")]
    [InlineData("orders", "orders")]
    [InlineData("", "")]
    [InlineData("{controller", "Orders")]
    [InlineData("{", "{")]
    public void Resolve_FixedValues_ReplaceTheirParameters(string template, string route)
    {
        var values = new RouteValueDictionary { ["controller"] = "Orders", ["action"] = "Details", ["page"] = null, ["area"] = "" };

        Assert.Equal(route, ConventionalRoute.Resolve(template, values));
    }

    [Fact]
    public void Resolve_AnyValue_LeavesTheParameter() =>
        Assert.Equal("{area}/Orders", ConventionalRoute.Resolve("{area}/{controller}", new RouteValueDictionary { ["area"] = RoutePattern.RequiredValueAny, ["controller"] = "Orders" }));

    [Fact]
    public void Resolve_NoFixedValues_IsTheTemplate() => Assert.Equal("{controller}", ConventionalRoute.Resolve("{controller}", new RouteValueDictionary()));
}
