namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>Where things of this repository are, seen from the running test.</summary>
internal static class Repository
{
    /// <summary>The folder of Tracing.Sdk.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Debug or Release, as this test was built.</summary>
    public static string Configuration { get; } = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;

    /// <summary>The built assembly of the project in <paramref name="folder"/>, which bears the name of its folder.</summary>
    public static string AssemblyOf(string folder)
    {
        var path = Path.Combine(Root, folder, "bin", Configuration, "net10.0", Path.GetFileName(folder) + ".dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not built; build Tracing.Sdk.sln.", path);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Tracing.Sdk.sln")))
                return folder.FullName;
        throw new DirectoryNotFoundException($"No Tracing.Sdk.sln above {AppContext.BaseDirectory}.");
    }
}
