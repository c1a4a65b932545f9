using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Processing.Worker.Media.Ffmpeg;

/// <summary>
/// Opens what the sandboxed process wrote. Its directory is writable for that process's user, and we may be root: a link there
/// would have us read, and publish, any file of this machine, and a pipe would have us wait for ever. Only a regular file is
/// taken, and it is looked at once open: whatever the process left running could exchange it between a check and the opening.
/// </summary>
internal static class OutputFile
{
    /// <summary>Of a file that is read whole: images, far below it.</summary>
    private const long MaxWholeBytes = 64L << 20;

    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x8_0000;
    private const int NoEntry = 2;
    private const int NoDevice = 6;
    private const int TooManyLinks = 40;

    /// <summary>Linux numbers this flag by architecture.</summary>
    private static readonly int _noFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? 0x8000 : 0x2_0000;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="MediaUnusableException">It is no regular file: ffmpeg writes none such, only who has taken it over.</exception>
    public static FileStream OpenRead(string path)
    {
        var handle = Open(path, _noFollow | NonBlocking | CloseOnExec);
        if (handle.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            handle.Dispose();
            throw error switch
            {
                NoEntry => new FileNotFoundException("The media process did not write its output.", path),
                TooManyLinks or NoDevice => Refused(),
                _ => new IOException($"An output cannot be opened: {new Win32Exception(error).Message}."),
            };
        }

        var stream = new FileStream(handle, FileAccess.Read);
        if (stream.CanSeek && !File.GetAttributes(handle).HasFlag(FileAttributes.Directory))
            return stream;
        stream.Dispose();
        throw Refused();
    }

    /// <summary>The whole file, of at most 64 MiB; null where there is none.</summary>
    public static async Task<byte[]?> ReadAsync(string path, CancellationToken ct)
    {
        try
        {
            await using var stream = OpenRead(path);
            if (stream.Length > MaxWholeBytes)
                throw Refused();
            var content = new byte[stream.Length];
            await stream.ReadExactlyAsync(content, ct);
            return content;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static MediaUnusableException Refused() => new("The media process wrote something that is no output.");

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [SuppressMessage("Interoperability", "SYSLIB1054", Justification = "Generated marshalling needs unsafe code in every project that compiles the engine in.")]
    private static extern SafeFileHandle Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
