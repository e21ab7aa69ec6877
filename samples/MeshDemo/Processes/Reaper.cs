using System.Diagnostics;
using System.Globalization;

namespace MeshDemo.Processes;

/// <summary>
/// Ends the programs that this process started when it is killed and cannot do so itself: a small process that reads their ids from its
/// standard input, and kills whatever is left of them when that closes. Then it deletes their folders.
/// </summary>
internal static class Reaper
{
    /// <summary>The first argument of the process.</summary>
    public const string Command = "reaper";

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    private static readonly Lock OneAtATime = new();
    private static Process? _process;

    /// <summary>Adds a program that has started.</summary>
    public static void Watch(int processId) => Send("+" + processId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Removes a program that has ended: the system may give its id to another one.</summary>
    public static void Forget(int processId) => Send("-" + processId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Adds a folder of these programs. It may be gone by the time.</summary>
    public static void Delete(DirectoryInfo folder) => Send("/" + folder.FullName);

    /// <summary>What the process does.</summary>
    public static int Run(TextReader input)
    {
        // Ctrl+C reaches every program of a terminal, and this one has to outlive the others.
        Console.CancelKeyPress += (_, e) => e.Cancel = true;
        var alive = new HashSet<int>();
        var folders = new List<string>();
        while (input.ReadLine() is [var sign, .. var rest])
        {
            if (sign == '+')
                alive.Add(int.Parse(rest, CultureInfo.InvariantCulture));
            else if (sign == '-')
                alive.Remove(int.Parse(rest, CultureInfo.InvariantCulture));
            else
                folders.Add(rest);
        }

        foreach (var processId in alive)
        {
            try
            {
                using var process = Process.GetProcessById(processId);
                process.Kill(entireProcessTree: true);
                // It may write to its folder until then.
                process.WaitForExit(EndTimeout);
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended already.
            }
        }

        foreach (var folder in folders)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is gone already, or another user's.
            }
        }

        return 0;
    }

    private static void Send(string line)
    {
        lock (OneAtATime)
        {
            try
            {
                _process ??= Process.Start(new ProcessStartInfo(ServiceProcess.DotNet, [ServiceProcess.MeshDemoDll, Command]) { RedirectStandardInput = true })!;
                _process.StandardInput.WriteLine(line);
                _process.StandardInput.Flush();
            }
            catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception)
            {
                // The reaper was killed, or cannot be started. An orderly end does not need it.
            }
        }
    }
}
