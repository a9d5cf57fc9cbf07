import{a,b,c,d,e,f}from"./chunk-Z2MAKUXJ.js";import"./chunk-REMTABDV.js";import"./chunk-MM3JA2UT.js";export{b as PushRefused,a as canPush,e as forgetPush,f as keepPush,c as startPush,d as stopPush};
