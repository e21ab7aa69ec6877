using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Tests;

/// <summary>Text files beside the tests, reviewed as code: <c>Class.Method.verified.txt</c>.</summary>
internal static class Snapshot
{
    /// <summary>Compares with the verified file. What differs is written to <c>.received.txt</c>; when it is right, rename it.</summary>
    public static void Match(string actual, [CallerFilePath] string file = "", [CallerMemberName] string method = "")
    {
        actual = actual.ReplaceLineEndings("\n").TrimEnd() + "\n";
        var name = Path.Combine(Folder(file), $"{Path.GetFileNameWithoutExtension(file)}.{method}");
        var verified = File.Exists($"{name}.verified.txt") ? File.ReadAllText($"{name}.verified.txt").ReplaceLineEndings("\n") : "";
        if (verified == actual)
        {
            File.Delete($"{name}.received.txt");
            return;
        }

        File.WriteAllText($"{name}.received.txt", actual);
        Assert.Equal(verified, actual);
    }

    // A deterministic build replaces the root of the path that the compiler puts in.
    private static string Folder(string file)
    {
        var project = "Tracing.Sdk.Tests";
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, $"{project}.csproj"))) root = Path.GetDirectoryName(root)!;
        var relative = file.Replace('\\', '/');
        relative = relative[(relative.LastIndexOf($"{project}/", StringComparison.Ordinal) + project.Length + 1)..];
        return Path.GetDirectoryName(Path.Combine(root, relative))!;
    }
}
