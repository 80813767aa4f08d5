#!/usr/bin/env perl
# The stand-in's models convince AWS's own SDK for Python: emulator_converse.py does the asking.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $python = find_python('import boto3; boto3.client("bedrock-runtime", region_name="us-east-1").converse_stream')
    or skip_all('Converse against the stand-in', 'no python3 here has a boto3 with converse_stream');
ask_with(Chatbot::Emulator->start, $python, '-B', "$FindBin::Bin/emulator_converse.py");
