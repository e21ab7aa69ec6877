using System.Diagnostics;
using System.Globalization;

namespace MeshDemo.Processes;

/// <summary>
/// Ends the programs that this process started when it is killed and cannot do so itself: a small process that reads their ids from its
/// standard input, and kills whatever is left of them when that closes.
/// </summary>
internal static class Reaper
{
    /// <summary>The first argument of the process.</summary>
    public const string Command = "reaper";

    private static readonly Lock OneAtATime = new();
    private static Process? _process;

    /// <summary>Adds a program that has started.</summary>
    public static void Watch(int processId) => Send("+", processId);

    /// <summary>Removes a program that has ended: the system may give its id to another one.</summary>
    public static void Forget(int processId) => Send("-", processId);

    /// <summary>What the process does.</summary>
    public static int Run(TextReader input)
    {
        // Ctrl+C reaches every program of a terminal, and this one has to outlive the others.
        Console.CancelKeyPress += (_, e) => e.Cancel = true;
        var alive = new HashSet<int>();
        while (input.ReadLine() is [var sign, .. var id])
        {
            var processId = int.Parse(id, CultureInfo.InvariantCulture);
            if (sign == '+')
                alive.Add(processId);
            else
                alive.Remove(processId);
        }

        foreach (var processId in alive)
        {
            try
            {
                Process.GetProcessById(processId).Kill(entireProcessTree: true);
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended already.
            }
        }

        return 0;
    }

    private static void Send(string sign, int processId)
    {
        lock (OneAtATime)
        {
            try
            {
                _process ??= Process.Start(new ProcessStartInfo(ServiceProcess.DotNet, [ServiceProcess.MeshDemoDll, Command]) { RedirectStandardInput = true })!;
                _process.StandardInput.WriteLine(sign + processId.ToString(CultureInfo.InvariantCulture));
                _process.StandardInput.Flush();
            }
            catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception)
            {
                // The reaper was killed, or cannot be started. An orderly end does not need it.
            }
        }
    }
}
