namespace Tracing.Sdk.CompatibilityTests.Shop;

/// <summary>These tests are also the services of the shop: <c>dotnet Tracing.Sdk.CompatibilityTests.dll web</c> is one of them.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [var name]) return 1;
        ShopServices.Create(name).Run();
        return 0;
    }
}
