namespace MeshDemo;

/// <summary>A failure to show at the terminal: one sentence, and the lines of a log that explain it.</summary>
internal sealed class DemoException(string sentence, string? log = null)
    : Exception(string.IsNullOrEmpty(log) ? sentence : $"{sentence} Its last lines:{Environment.NewLine}{log}");
