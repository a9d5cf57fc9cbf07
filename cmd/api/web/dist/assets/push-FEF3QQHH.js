import{a,b,c,d,e,f}from"./chunk-M6ZMVWIA.js";import"./chunk-65S7UP6M.js";import"./chunk-EFJZNWPX.js";export{b as PushRefused,a as canPush,e as forgetPush,f as keepPush,c as startPush,d as stopPush};
