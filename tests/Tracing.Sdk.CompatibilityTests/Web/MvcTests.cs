using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.AspNetCore.Mvc.Routing;
using Microsoft.AspNetCore.Razor.Hosting;
using Microsoft.AspNetCore.Routing;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.CompatibilityTests.Web;

[assembly: RazorCompiledItem(typeof(MvcTests.InfoPage), "mvc.1.0.razor-page", "/Pages/Info.cshtml")]
[assembly: RazorCompiledItem(typeof(MvcTests.ItemPage), "mvc.1.0.razor-page", "/Pages/Item.cshtml")]

namespace Tracing.Sdk.CompatibilityTests.Web;

/// <summary>The names and routes of requests for MVC, Razor Pages and groups. ASP.NET Core 11 names them the same, but for the slash at the beginning: seen with
/// Microsoft.AspNetCore.App 11.0.0, where hosting sets the name and http.route itself. OpenTelemetry.Instrumentation.AspNetCore 1.20.2 on .NET 10 writes the template of the
/// convention for all actions, which https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/ does not: it counts {controller} and {action} among the static
/// segments.</summary>
[WorksWith("MVC, Razor Pages", "one SERVER span a request, named by its [route or action](enriching.md#names)", IsPlatform = true)]
public sealed class MvcTests
{
    [Theory]
    // Conventions: each action has its route.
    [InlineData("/", "/Home/Index/{id?}")]
    [InlineData("/Home", "/Home/Index/{id?}")]
    [InlineData("/orders/details/5", "/Orders/Details/{id?}")]
    [InlineData("/Orders", "/Orders/Index/{id?}")]
    [InlineData("/Admin/Users/Edit/7", "/Admin/Users/Edit/{id?}")]
    [InlineData("/archive/Orders/Details/2024/x", "/archive/Orders/Details/{year:regex(^\\d{{4}}$)}/{**rest}")]
    [InlineData("/special/5", "/special/{id:int}")]
    // Attributes.
    [InlineData("/api/attributes/5", "/api/attributes/{id:int}")]
    [InlineData("/api/Tokens/Token/5", "/api/Tokens/Token/{id}")]
    // Razor Pages.
    [InlineData("/Info", "/Info")]
    [InlineData("/Item/5", "/Item/{id:int?}")]
    // Groups, and versions in the path.
    [InlineData("/v2/items/5", "/v{version}/items/{id:int}")]
    // Conventions that are resolved for each request have no template of their own.
    [InlineData("/dynamic/en/orders", null)]
    [InlineData("/app/some/path", null)]
    [InlineData("/nothing/here/at/all", "/{*path:nonfile}")]
    public async Task Request_IsNamedByItsRoute(string path, string? route)
    {
        await using var app = await StartAsync();
        await app.GetAsync(path);
        var span = Assert.Single(await app.StopAsync());

        Assert.Equal(($"GET {route}".TrimEnd(), route, "200"), (span.Name, span.Tag("http.route"), span.Tag("http.response.status_code")));
    }

    [Fact]
    public async Task Request_BelowAPathBase_HasItInItsRoute()
    {
        await using var app = await StartAsync(app =>
        {
            app.UsePathBase("/shop");
            app.UseRouting();
        });
        await app.GetAsync("/shop/Orders/Details/5");

        Assert.Equal("SERVER GET /shop/Orders/Details/{id?}", TraceOutline.Of(await app.StopAsync()));
    }

    private static Task<TracedApp> StartAsync(Action<WebApplication>? use = null) => TracedApp.StartAsync(
        app =>
        {
            use?.Invoke(app);
            app.MapControllerRoute("areas", "{area:exists}/{controller=Home}/{action=Index}/{id?}");
            app.MapControllerRoute("archive", "archive/{controller}/{action}/{year:regex(^\\d{{4}}$)}/{**rest}");
            app.MapControllerRoute("special", "special/{id:int}", new { controller = "Orders", action = "Details" });
            app.MapDefaultControllerRoute();
            app.MapRazorPages();
            app.MapGroup("/v{version}").MapGet("/items/{id:int}", (int id) => id);
            app.MapDynamicControllerRoute<Translation>("dynamic/{culture}/{rest}");
            app.MapFallbackToController("app/{**path}", "Index", "Home");
            app.MapFallback(() => "fallback");
        },
        build =>
        {
            build.Services.AddSingleton<Translation>();
            build.Services.AddControllersWithViews();
            build.Services.AddRazorPages()
                .ConfigureApplicationPartManager(parts => parts.ApplicationParts.Add(new CompiledRazorAssemblyPart(typeof(MvcTests).Assembly)));
        });

    private sealed class Translation : DynamicRouteValueTransformer
    {
        public override ValueTask<RouteValueDictionary> TransformAsync(HttpContext httpContext, RouteValueDictionary values) =>
            new(new RouteValueDictionary { ["controller"] = "Orders", ["action"] = "Details", ["id"] = "1" });
    }

    // What the compiler makes of a .cshtml file.
    [RazorCompiledItemMetadata("RouteTemplate", "")]
    public sealed class InfoPage : Microsoft.AspNetCore.Mvc.RazorPages.Page
    {
        public InfoPage Model => this;

        public override Task ExecuteAsync() => Task.CompletedTask;
    }

    [RazorCompiledItemMetadata("RouteTemplate", "{id:int?}")]
    public sealed class ItemPage : Microsoft.AspNetCore.Mvc.RazorPages.Page
    {
        public ItemPage Model => this;

        public override Task ExecuteAsync() => Task.CompletedTask;
    }
}

public sealed class HomeController : Controller
{
    public IActionResult Index() => Ok();
}

public sealed class OrdersController : Controller
{
    public IActionResult Index() => Ok();

    public IActionResult Details(int id) => Ok(id);
}

[Area("Admin")]
public sealed class UsersController : Controller
{
    public IActionResult Edit(int id) => Ok(id);
}

[ApiController, Route("api/attributes")]
public sealed class AttributesController : ControllerBase
{
    [HttpGet("{id:int}")]
    public IActionResult Get(int id) => Ok(id);
}

[ApiController, Route("api/[controller]")]
public sealed class TokensController : ControllerBase
{
    [HttpGet("[action]/{id}")]
    public IActionResult Token(int id) => Ok(id);
}
